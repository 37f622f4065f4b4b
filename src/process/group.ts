import { readFileSync } from 'node:fs'

/**
 * Kills a process and everything it has started, as long as that has not made a group of its own.
 * Windows knows no groups: there only the process itself ends.
 */
export function killGroup(leader: number): void {
  try {
    process.kill(process.platform === 'win32' ? leader : -leader, 'SIGKILL')
  } catch {
    // It is gone, and all that it had started.
  }
}

/**
 * Ends the process that calls, and all that it has started, if the worker is no longer its parent:
 * nobody else would.
 */
export function endOrphan(worker: number): void {
  if (process.ppid !== worker) killGroup(process.pid)
}

/** How much memory a process has at present, in megabytes; undefined where /proc is absent. */
export function residentMb(pid: number): number | undefined {
  try {
    const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return kb === undefined ? undefined : Math.round(Number(kb) / 1024)
  } catch {
    return undefined
  }
}
