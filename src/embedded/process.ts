import { readFileSync } from 'node:fs'
import { systemErrorCode } from './errors.ts'

/**
 * Whether a process of this id is running, whoever owns it. One that has ended and waits for its parent
 * to notice is not: in a container that may take for ever.
 */
export function isAlive(pid: number): boolean {
  const state = statusOf(pid)?.[0]
  return state === undefined ? hasId(pid) : state !== 'Z' && state !== 'X'
}

/** Whether the system knows the process id, be it of a process that has ended. */
export function hasId(pid: number): boolean {
  // To kill(2), 0 and less are not processes but groups.
  if (pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return systemErrorCode(error) === 'EPERM'
  }
}

/** When a process began, which tells it from a later one of the same id; '0' where /proc is absent. */
export function startOf(pid: number): string {
  return statusOf(pid)?.[19] ?? '0'
}

/** The fields of /proc/PID/stat from the third, `state`, on; `starttime`, the 22nd, is at 19. */
function statusOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): the second field, the name, may hold spaces and brackets.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
