/** Exit codes of a process that a signal has ended, as shells give them. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

type Signal = keyof typeof EXIT_CODES

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const satisfies readonly Signal[]

/**
 * Started by npm, a process gets Ctrl-C twice, from the terminal and from npm. Nobody means two within
 * this time, in milliseconds.
 */
const SAME_MS = 200

/** A signal asked the command to end before it was done. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly exitCode: number

  constructor(signal: Signal) {
    super(`interrupted by ${signal}`)
    this.exitCode = EXIT_CODES[signal]
  }
}

/** Turns SIGINT, SIGTERM and SIGHUP (the terminal was closed) into AbortSignals until it is disposed of. */
export class Interruption implements Disposable {
  readonly #first = new AbortController()
  readonly #second = new AbortController()
  #firstAt = 0

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  /** Fires at the first signal, with an InterruptedError: stop gracefully. */
  get signal(): AbortSignal {
    return this.#first.signal
  }

  /** Fires at the second one: stop at once. */
  get hurry(): AbortSignal {
    return this.#second.signal
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
  }

  readonly #onSignal = (signal: Signal): void => {
    if (!this.signal.aborted) {
      this.#firstAt = performance.now()
      this.#first.abort(new InterruptedError(signal))
    } else if (performance.now() - this.#firstAt > SAME_MS) {
      this.#second.abort()
    }
  }
}
