import { setTimeout as sleep } from 'node:timers/promises'
import { isTransient } from './errors.ts'

/** The first pause after a failure, in milliseconds. */
const FIRST_MS = 50
/** The longest pause: an outage is noticed to be over within this time. */
const LONGEST_MS = 5_000

/** Pauses that double from 50 ms to 5 s, each with jitter, so that workers do not return in step. */
export class Backoff {
  #failures = 0

  /** The length of the next pause, in milliseconds: between half of the doubled one and the whole. */
  nextMs(): number {
    const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures)
    this.#failures += 1
    return whole * (0.5 + Math.random() / 2)
  }

  /** Waits for the next pause, or until the signal fires. */
  async pause(signal?: AbortSignal): Promise<void> {
    await sleep(this.nextMs(), undefined, signal ? { signal } : {}).catch(() => undefined)
  }

  reset(): void {
    this.#failures = 0
  }
}

/**
 * Repeats `work` while it fails for reasons that pass (by default those of isTransient), until it succeeds, fails for
 * another reason, or the signal fires; then the last error is thrown.
 */
export async function withRetry<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  passes: (error: unknown) => boolean = isTransient,
): Promise<T> {
  const backoff = new Backoff()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!passes(error) || signal.aborted) throw error
      await backoff.pause(signal)
      if (signal.aborted) throw error
    }
  }
}
