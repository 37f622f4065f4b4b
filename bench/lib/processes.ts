import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Linux counts CPU time for programs in ticks of 10 ms (USER_HZ), whatever the kernel's own rate. */
const TICK_US = 10_000

const owned = new Set<ChildProcess>()

// Whatever ends this process, its children end with it; each is named by its own id.
process.once('exit', killAll)

/** Makes a child end with this process at the latest. */
export function own<C extends ChildProcess>(child: C): C {
  owned.add(child)
  child.once('exit', () => owned.delete(child))
  return child
}

/** Ends every child that is still there, at once. */
export function killAll(): void {
  for (const child of owned) child.kill('SIGKILL')
}

/** Asks a child to end, and makes it after the grace period. */
export async function end(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(graceMs, undefined, { ref: false })])
  child.kill('SIGKILL')
  await ended
}

/**
 * CPU time that a process and its children have used so far, in microseconds; children that have ended
 * are in it once the process has reaped them, as a postmaster does. Undefined where /proc is absent.
 */
export function cpuUsOfTree(pid: number): number | undefined {
  for (;;) {
    const before = statOf(pid)
    let livingUs = 0
    for (const name of readdirSync('/proc')) {
      const id = /^\d+$/.test(name) ? Number(name) : 0
      if (id > 0 && (id === pid || parentOf(id) === pid)) livingUs += cpuUsOf(id)
    }
    const after = statOf(pid)
    if (before === undefined || after === undefined) return undefined
    // A child that was reaped meanwhile may have been counted twice, or not at all.
    if (before.reapedTicks === after.reapedTicks) return livingUs + after.reapedTicks * TICK_US
  }
}

/** CPU time of a living process. By the scheduler's own books: ticks lose up to 20 ms a process. */
function cpuUsOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.reduce((sum, thread) => {
      const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')
      return sum + Number(ns) / 1_000
    }, 0)
  } catch {
    // A kernel without schedstat, or a process that has just ended.
    return (statOf(pid)?.ownTicks ?? 0) * TICK_US
  }
}

/** The process id of a process's parent; undefined where /proc does not show it. */
export function parentOf(pid: number): number | undefined {
  return statOf(pid)?.parent
}

/** The name of a process's program; undefined where /proc does not show it. */
export function commandOf(pid: number): string | undefined {
  return statOf(pid)?.command
}

interface Stat {
  readonly command: string
  readonly parent: number
  /** utime + stime */
  readonly ownTicks: number
  /** cutime + cstime */
  readonly reapedTicks: number
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): the second field, the name, may hold spaces and brackets.
    const nameEnd = text.lastIndexOf(')')
    const fields = text.slice(nameEnd + 2).split(' ')
    const at = (n: number): number => Number(fields[n - 3])
    return {
      command: text.slice(text.indexOf('(') + 1, nameEnd),
      parent: at(4),
      ownTicks: at(14) + at(15),
      reapedTicks: at(16) + at(17),
    }
  } catch {
    return undefined
  }
}
