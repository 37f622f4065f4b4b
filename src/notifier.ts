import type { ClientConfig } from 'pg'
import pgListen, { type Subscriber } from 'pg-listen'
import { Backoff } from './backoff.ts'
import type { Id } from './database.ts'
import { Service } from './service.ts'
import { isCalled, READY } from './wake-up.ts'

/** A notification must come back within this time, or LISTEN does not work here. */
const PROBE_TIMEOUT_MS = 3_000
/** How often a quiet connection is proved to be alive: a half-open one tells nothing by itself. */
const PROBE_INTERVAL_MS = 30_000
/** How long a broken connection may take to close. */
const CLOSE_TIMEOUT_MS = 1_000

const CANCEL = 'jobtable_cancel'

export interface NotifierOptions {
  readonly worker: Id
  /** The ids of the types whose jobs wake it. */
  readonly types: readonly number[]
  /** A session of its own: LISTEN does not pass a pooler in transaction mode. */
  readonly connection: ClientConfig
  /**
   * Sends a notification by another session: a pooler delivers one that comes by the same session, and
   * none that comes by another.
   */
  readonly notify: (channel: string) => Promise<void>
  /** There may be something to claim. Also called whenever notifications may have been missed. */
  readonly onReady: () => void
  readonly onCancel: (id: Id) => void
  /** Whether notifications arrive; if not, why. Called on every change. */
  readonly onListening: (fault: string | undefined) => void
}

/**
 * Listens for wake-ups. The connection is made again without end, by this class and not by pg-listen
 * (which gives up 3 seconds after a drop by default, and does not notice a connection over which
 * nothing arrives): each connection proves itself by a notification to itself, at the start and
 * every 30 seconds. A notification is only a hint; polling finds what it missed.
 */
export class Notifier extends Service {
  readonly #options: NotifierOptions
  #listening = false
  #fault: string | undefined

  constructor(options: NotifierOptions) {
    super()
    this.#options = options
  }

  /** Whether notifications arrive. */
  get listening(): boolean {
    return this.#listening
  }

  protected override async run(): Promise<void> {
    const backoff = new Backoff()
    while (!this.stopping.aborted) {
      const fault = await this.#listen(backoff)
      if (this.stopping.aborted) return
      this.#tell(false, fault)
      await backoff.pause(this.stopping)
    }
  }

  /** One connection, from its making to its end. Answers what was wrong with it. */
  async #listen(backoff: Backoff): Promise<string> {
    let proved: (() => void) | undefined
    let failure: string | undefined
    const failed = (): string | undefined => failure
    const subscriber = pgListen.default(this.#options.connection, {
      // One attempt: making the connection again is this class's own work, and so is the check.
      retryLimit: 1,
      paranoidChecking: false,
      parse: (payload: string) => payload,
    })
    const probe = `jobtable_probe_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`
    subscriber.events.on('error', (error) => {
      failure = error.message
      this.alarm.ring()
    })
    // pg-listen gives an empty payload as undefined.
    subscriber.notifications.on(READY, (told: string | undefined) => {
      const { worker, types, onReady } = this.#options
      if (isCalled(told ?? '', worker, types)) onReady()
    })
    subscriber.notifications.on(CANCEL, (id: Id) => this.#options.onCancel(id))
    subscriber.notifications.on(probe, () => proved?.())

    const prove = async (): Promise<boolean> => {
      const arrived = Promise.withResolvers<boolean>()
      const timer = setTimeout(arrived.resolve, PROBE_TIMEOUT_MS, false)
      proved = () => arrived.resolve(true)
      // If it cannot be sent, nothing is known of the listening side, which may go on.
      this.#options.notify(probe).catch(() => arrived.resolve(true))
      const ok = await arrived.promise
      clearTimeout(timer)
      return ok
    }

    try {
      await subscriber.connect()
      await subscriber.listenTo(READY)
      await subscriber.listenTo(CANCEL)
      await subscriber.listenTo(probe)
      while (!this.stopping.aborted && failed() === undefined) {
        if (!(await prove())) {
          return failed() ?? 'notifications do not arrive: is a pooler in between?'
        }
        backoff.reset()
        this.#tell(true, undefined)
        await this.alarm.wait(PROBE_INTERVAL_MS)
      }
      return failed() ?? 'stopped'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    } finally {
      this.#listening = false
      await close(subscriber)
    }
  }

  #tell(listening: boolean, fault: string | undefined): void {
    const changed = listening !== this.#listening || fault !== this.#fault
    this.#listening = listening
    this.#fault = fault
    if (!changed) return
    this.#options.onListening(fault)
    // Whatever was notified before this connection listened is found by looking.
    this.#options.onReady()
  }
}

/** Closes a subscriber, also one whose connection answers no more. */
async function close(subscriber: Subscriber): Promise<void> {
  const timeout = new Promise<void>((resolve) => {
    setTimeout(resolve, CLOSE_TIMEOUT_MS).unref()
  })
  await Promise.race([subscriber.close().catch(() => undefined), timeout])
}
