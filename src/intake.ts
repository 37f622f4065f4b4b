import { withRetry } from './backoff.ts'
import type { Completer } from './completer.ts'
import type { Database, Id } from './database.ts'
import { isTransient, LeaseLostError } from './errors.ts'
import type { Events } from './events.ts'
import { type ClosedLeases, Leases } from './leases.ts'
import { adopt, type HandedJob, keyOf, lacksPayload, withPayloads } from './queries/tick.ts'
import type { Slots } from './slots.ts'

export interface IntakeOptions {
  readonly database: Database
  readonly worker: Id
  readonly events: Events
  readonly slots: Slots
  readonly completer: Completer
  readonly stopping: AbortSignal
  /** Called when outcomes have come that no executor has told. */
  readonly ring: () => void
}

/**
 * Where the jobs of a tick arrive: started ones go to the slots, queued ones wait in the local queue, and
 * a worker that is stopping returns all. It keeps the leases until nothing is held under them.
 */
export class Intake {
  readonly #options: IntakeOptions
  readonly #leases = new Leases()
  #queued: HandedJob[] = []
  /** Jobs that are in no other list: a tick is to begin them, or their payloads are on their way. */
  readonly #between = new Map<string, HandedJob>()
  #open = true
  #doubts = 0

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** The local queue: jobs that are this worker's and have not begun. */
  get queued(): readonly HandedJob[] {
    return this.#queued
  }

  /** The jobs that are held here: on their way, and waiting in the local queue. */
  get held(): readonly HandedJob[] {
    return [...this.#queued, ...this.#between.values()]
  }

  /** How often `doubtAnswers` was called: what was asked for before the last time says nothing. */
  get doubts(): number {
    return this.#doubts
  }

  /** Others may have taken this worker's jobs: also those that answers bring that are on their way. */
  doubtAnswers(): void {
    this.#doubts += 1
  }

  /** Takes so many jobs off the head of the local queue, to begin. */
  take(count: number): readonly HandedJob[] {
    const jobs = this.#queued.splice(0, count)
    for (const job of jobs) this.#between.set(keyOf(job), job)
    return jobs
  }

  /** Puts jobs that were taken at its head again; a worker that is stopping returns them. */
  restore(jobs: readonly HandedJob[]): void {
    const left = this.#arrived(jobs)
    if (this.#open) this.#queued.unshift(...left)
    else this.giveBack(left)
  }

  /** Takes in the jobs of a tick that was to begin some: those that are still this worker's. */
  async receive(begin: readonly HandedJob[], jobs: readonly HandedJob[]): Promise<void> {
    for (const job of jobs) this.#leases.add(job.lease)
    const dropped = new Set(begin.map(keyOf).filter((key) => !this.#between.delete(key)))
    const left = dropped.size === 0 ? jobs : jobs.filter((job) => !dropped.has(keyOf(job)))
    this.#accept(left.some(lacksPayload) ? await this.#withPayloads(left) : left)
  }

  #accept(jobs: readonly HandedJob[]): void {
    if (!this.#open) return this.giveBack(jobs)
    const { slots } = this.#options
    for (const job of jobs) {
      if (job.status === 'started') slots.accept(job)
      else this.#queued.push(job)
    }
    slots.fill()
  }

  /** Jobs with what they lack of payloads. They are held: it is tried as long as it takes. */
  async #withPayloads(jobs: readonly HandedJob[]): Promise<readonly HandedJob[]> {
    const { database, events, stopping } = this.#options
    for (const job of jobs) this.#between.set(keyOf(job), job)
    const goesOn = (error: unknown): boolean => {
      events.emit('trouble', error)
      return true
    }
    const fetch = async (): Promise<readonly HandedJob[]> => await withPayloads(database, jobs)
    const whole = this.#arrived(await withRetry(fetch, stopping, goesOn).catch(() => jobs))
    // Without a payload came those whose lease is another's by now.
    for (const { lease } of this.#arrived(jobs)) this.doubt(lease)
    return whole
  }

  /** Those that nobody has taken meanwhile; they are for a list from now on. */
  #arrived(jobs: readonly HandedJob[]): readonly HandedJob[] {
    return jobs.filter((job) => this.#between.delete(keyOf(job)))
  }

  /**
   * A tick may have happened although its answer was lost, and what it handed out may be another's by
   * now. What is this worker's is found by the tick's lease. The jobs that it was to begin are in no list
   * before.
   */
  async adopt(lease: Id, begin: readonly HandedJob[], pause: () => Promise<void>): Promise<void> {
    const { database, worker, events, stopping } = this.#options
    for (;;) {
      await pause()
      try {
        const { doubts } = this
        const jobs = await adopt(database, worker, lease)
        if (doubts !== this.doubts) continue
        // Its receipt is there now, whether the tick or this has written it.
        this.#leases.add(lease)
        const begun = new Set(begin.map(keyOf))
        // Others are of the tick beside this one, or held already.
        const mine = jobs.filter((job) => job.lease === lease || begun.has(keyOf(job)))
        return await this.receive(begin, mine)
      } catch (failure) {
        if (!isTransient(failure)) events.emit('trouble', failure)
        if (stopping.aborted) return this.restore(begin)
      }
    }
  }

  /** Gives back jobs that have not begun. */
  giveBack(jobs: readonly HandedJob[]): void {
    const { completer, ring } = this.#options
    for (const { id, lease } of jobs) completer.add({ id, lease, outcome: 'returned' })
    ring()
  }

  /** Gives back what has not begun, and from now on all that comes. */
  close(): void {
    this.#open = false
    this.giveBack([...this.#queued.splice(0), ...this.#options.slots.clearLine()])
  }

  /** Lets go of jobs that others have taken for lost: their attempts end, and nothing is written. */
  drop(jobs: readonly HandedJob[]): void {
    const { slots, ring } = this.#options
    const lost = new Set(jobs.map(keyOf))
    this.#queued = this.#queued.filter((job) => !lost.has(keyOf(job)))
    this.#arrived(jobs)
    for (const { id, lease } of jobs) {
      this.doubt(lease)
      const reason = new LeaseLostError('JT014', `job ${id} was taken for lost by another worker`)
      slots.abort(id, reason, lease)
    }
    ring()
  }

  /** Something ended under a lease that the database has not confirmed. */
  doubt(lease: Id): void {
    this.#leases.doubt(lease)
  }

  /** Leases under which none of these is held any more, and nothing is on its way to the database. */
  closedLeases(held: readonly HandedJob[]): ClosedLeases {
    const needed = new Set(this.#options.completer.leases())
    for (const job of held) needed.add(job.lease)
    return this.#leases.closed(needed)
  }

  /** The database has been told that those leases are closed. */
  forget(leases: ClosedLeases): void {
    this.#leases.forget(leases)
  }
}
