import { Backoff } from './backoff.ts'
import type { Database, Id } from './database.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Events } from './events.ts'
import { type BeatAnswer, beat, notHeld, startWorker, type WorkerRow } from './queries/worker.ts'
import { Rescuer } from './rescuer.ts'
import { Service } from './service.ts'
import type { Understudy } from './understudy.ts'

/** A worker shows that it lives this often, in milliseconds: one small write a process. */
export const HEARTBEAT_MS = 2_000
/** A worker is dead that has missed so many signs of life: then others run its jobs. */
export const LEASE_HEARTBEATS = 3
/** The longest pause before a sign of life that did not arrive is sent again, in milliseconds. */
const RETRY_MS = 500

export interface HeartbeatOptions {
  readonly database: Database
  readonly worker: Id
  /** The worker's row, in case somebody deletes it. */
  readonly row: WorkerRow
  readonly dispatcher: Dispatcher
  readonly events: Events
  readonly intervalMs: number
  /** Whether notifications arrive. */
  readonly listens: () => boolean
  /** Stands in while executors keep this thread busy. */
  readonly understudy: Understudy
}

/**
 * Shows that the worker lives, hears what happened to its jobs meanwhile (cancels whose notification
 * was lost, jobs that others have rescued), and rescues the jobs of workers that are dead.
 */
export class Heartbeat extends Service {
  readonly #options: HeartbeatOptions
  readonly #rescuer: Rescuer
  readonly #backoff = new Backoff()
  #timeouts: BeatAnswer['timeouts'] = new Map()
  /** Whether the worker may have lost jobs of which it does not know. */
  #isUncertain = false

  constructor(options: HeartbeatOptions) {
    super()
    this.#options = options
    this.#rescuer = new Rescuer(options)
  }

  /** The timeout of a type's jobs that have none of their own, in milliseconds. */
  timeoutMs(type: string): number | undefined {
    return this.#timeouts.get(type)
  }

  protected override async run(): Promise<void> {
    while (!this.stopping.aborted) await this.alarm.wait(await this.beat())
  }

  /** One sign of life. Answers when the next is due, in milliseconds; trouble is told, not thrown. */
  async beat(): Promise<number> {
    const { database, worker, dispatcher, events, intervalMs, listens, understudy } = this.#options
    const begun = performance.now()
    const leases = dispatcher.closedLeases()
    try {
      const held = dispatcher.held
      const answer = await beat(database, { worker, listens: listens(), held, ...leases })
      understudy.beaten()
      dispatcher.forget(leases)
      this.#backoff.reset()
      this.#timeouts = answer.timeouts
      for (const cancel of answer.cancels) dispatcher.cancel(cancel)
      if (!answer.known) await startWorker(database, this.#options.row, worker)
      if (!answer.known || answer.wasLost) this.#doubt()
      if (this.#isUncertain) await this.#checkHeld()
      // Until now it was given no job.
      if (!answer.known || answer.wasLost) dispatcher.wake()
      const next = await this.#rescuer.look(answer, intervalMs / 2)
      return Math.min(next, Math.max(0, begun + intervalMs - performance.now()))
    } catch (error) {
      this.#doubt()
      this.#rescuer.interrupt()
      events.emit('trouble', error)
      return Math.min(RETRY_MS, intervalMs, this.#backoff.nextMs())
    }
  }

  /** What this worker holds may be another's by now, and so may what is on its way. */
  #doubt(): void {
    this.#isUncertain = true
    this.#options.dispatcher.doubtAnswers()
  }

  /** Lets go of what others have taken for lost. */
  async #checkHeld(): Promise<void> {
    const { database, dispatcher, events } = this.#options
    const lost = await notHeld(database, dispatcher.held)
    this.#isUncertain = false
    if (lost.length === 0) return
    dispatcher.drop(lost)
    events.emit('dropped', lost)
  }
}
