import { Alarm } from './alarm.ts'

/**
 * The contract of everything that lives long: `start` once, `stop` at any time, also before `start`
 * and twice; `stop` resolves when nothing of it runs any more.
 *
 * A service's file has the same order everywhere: defaults, options, class, constructor, `run`, then
 * its steps.
 */
export abstract class Service implements AsyncDisposable {
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  /** What the service sleeps on; `stop` rings it. */
  protected readonly alarm: Alarm = new Alarm()

  /** Fires when `stop` is called. */
  protected get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** What the service does until `stopping` fires. Must not reject for reasons that pass. */
  protected abstract run(): Promise<void>

  /** Begins the service's work. Resolves when it has begun, not when it has ended. */
  async start(): Promise<void> {
    if (this.#running !== undefined || this.stopping.aborted) return
    this.#running = this.run()
    // A failure is told by `stop`; it must not end the process before.
    this.#running.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.alarm.ring()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
