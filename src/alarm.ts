/**
 * Wakes one waiting loop. A ring that nobody waits for is kept, so that none is lost between
 * looking for work and going to sleep.
 */
export class Alarm {
  #rung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves at the next ring (at once if one is kept), or after `ms` milliseconds. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      const timer = ms === Infinity ? undefined : setTimeout(resolve, Math.min(ms, MAX_TIMER_MS))
      await promise
      clearTimeout(timer)
      this.#wake = undefined
    }
    this.#rung = false
  }
}

/** The longest time that a timer of Node holds: 2^31 - 1 ms; a longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647

/** Calls back after so long a time, however long; answers what prevents it. */
export function wakeAfter(ms: number, call: () => void): () => void {
  let left = ms
  let timer: NodeJS.Timeout
  const arm = (): void => {
    const step = Math.min(left, MAX_TIMER_MS)
    left -= step
    timer = setTimeout(left > 0 ? arm : call, step)
  }
  arm()
  return () => clearTimeout(timer)
}
