import { setTimeout as sleep } from 'node:timers/promises'

/** Microseconds of the machine's monotonic clock, which all of its processes share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Answers when a look at the world is true, looking every few milliseconds. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(5)
  }
}
