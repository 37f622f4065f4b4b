import { randomBytes } from 'node:crypto'
import { Backoff } from './backoff.ts'
import { Caution } from './caution.ts'
import { Completer, LOCKED_REST_MS } from './completer.ts'
import type { JobtableError } from './errors.ts'
import {
  codeOf,
  isFaultOfData,
  isTransient,
  LOCK_NOT_AVAILABLE,
  QUERY_CANCELLED,
  wasAnswered,
} from './errors.ts'
import type { Events } from './events.ts'
import type { Database, HandedJob, Id, LaneRange, Outcome, TickAnswer } from './queries.ts'
import { adopt, tick } from './queries.ts'
import type { RegisteredType } from './registry.ts'
import type { RunningJob } from './running-job.ts'
import { Service } from './service.ts'

/** The pause after a refused claim of one type, before another's turn, in milliseconds. */
const TURN_PAUSE_MS = 100

/** After a claim that found only what other workers were taking, look again this soon. */
const CONTENDED_MS = { first: 1, longest: 32 } as const

export interface DispatcherOptions {
  readonly database: Database
  readonly worker: Id
  readonly types: readonly RegisteredType[]
  readonly concurrency: number
  readonly prefetch: number
  /** How long the dispatcher sleeps at most between two looks, in milliseconds, now. */
  readonly pollMs: () => number
  readonly events: Events
  /** Makes a job ready to run in this process. */
  readonly prepare: (job: HandedJob) => RunningJob
}

/**
 * The one that talks to the queue for a whole process: each tick writes the outcomes that have come
 * together and claims as many jobs as there are free slots, in one transaction. While a tick is on
 * its way outcomes gather for the next, so batches grow with the load by themselves.
 */
export class Dispatcher extends Service {
  readonly #options: DispatcherOptions
  readonly #completer = new Completer()
  readonly #backoff = new Backoff()
  readonly #running = new Map<Id, RunningJob>()
  readonly #runningOfType = new Map<string, number>()
  /** The leases under which jobs were handed out, until their receipts are gone. */
  readonly #leases = new Set<Id>()
  #queued: HandedJob[] = []
  #claiming = true
  /** When to look for jobs next, by performance.now(). */
  #lookAt = 0
  /** Whether somebody has called since the tick on its way was sent. */
  #woken = false
  #ticking: Promise<void> | undefined
  #forsaken = false
  /** Whether trouble was told that a tick has not yet ended. */
  #troubled = false
  /** When to begin queued jobs, by performance.now(): later than now if a client has locked one. */
  #beginAt = 0
  #contended = 0
  readonly #caution = new Caution()
  readonly #endings = new Set<Promise<void>>()

  constructor(options: DispatcherOptions) {
    super()
    this.#options = options
    // Whoever of the worker met it: a tick finds out whether the database answers.
    options.events.on('trouble', () => {
      this.#troubled = true
      this.wake()
    })
  }

  protected override async run(): Promise<void> {
    while (!this.stopping.aborted || (this.#completer.size > 0 && !this.#forsaken)) {
      await this.alarm.wait(this.#waitMs())
      if (this.#waitMs() > 0) continue
      this.#ticking = this.#tick()
      await this.#ticking
      this.#ticking = undefined
    }
  }

  /** Looks for jobs at once, or again if a look is on its way: it may have looked too early. */
  wake(): void {
    this.#woken = true
    this.#lookAt = 0
    this.alarm.ring()
  }

  /** The jobs that this process holds: running, and waiting in its local queue. */
  get held(): readonly HandedJob[] {
    return [...Array.from(this.#running.values(), (job) => job.handed), ...this.#queued]
  }

  /** Leases under which nothing is held any more, and nothing on its way to the database. */
  closedLeases(): readonly Id[] {
    const open = new Set(this.#completer.leases())
    for (const job of this.held) open.add(job.lease)
    return [...this.#leases].filter((lease) => !open.has(lease))
  }

  /** Those leases have no receipt in the database any more. */
  forget(leases: readonly Id[]): void {
    for (const lease of leases) this.#leases.delete(lease)
  }

  /** Asks one running job to stop. */
  abort(id: Id, reason: JobtableError): void {
    this.#running.get(id)?.abort(reason)
  }

  /** Claims nothing more and gives back what has not begun. */
  drain(): void {
    this.#claiming = false
    for (const job of this.#queued.splice(0)) {
      this.#completer.add({ id: job.id, lease: job.lease, outcome: 'released' })
    }
    this.alarm.ring()
  }

  abortAll(reason: JobtableError): void {
    for (const job of this.#running.values()) job.abort(reason)
  }

  /** Gives back jobs whose executors did not end although they were asked to. */
  abandon(reason: JobtableError): readonly HandedJob[] {
    const left = [...this.#running.values()]
    this.#running.clear()
    for (const job of left) this.#completer.add(job.release(reason))
    this.alarm.ring()
    return left.map((job) => job.handed)
  }

  /** Resolves when no executor runs, no tick is on its way, and every outcome is in the database. */
  async drained(): Promise<void> {
    for (;;) {
      if (this.#running.size > 0) await Promise.race(this.#endings)
      else if (this.#ticking !== undefined) await this.#ticking
      else if (this.#completer.size > 0) await this.#completer.drained()
      else return
    }
  }

  /** Stops trying to write outcomes, and answers those that are not in the database. */
  forsake(): readonly Outcome[] {
    this.#forsaken = true
    return this.#completer.forsake()
  }

  /** Milliseconds until the next tick has something to do. */
  #waitMs(): number {
    const now = performance.now()
    const outcomes = this.#completer.waitMs(now)
    if (!this.#claiming || this.#freeSlots() <= 0) return outcomes
    const begins = this.#queued.length > 0 ? this.#beginAt : Infinity
    return Math.min(outcomes, Math.max(0, Math.min(this.#lookAt, begins) - now))
  }

  #freeSlots(): number {
    return this.#options.concurrency - this.#running.size
  }

  async #tick(): Promise<void> {
    const { database, worker, events } = this.#options
    const lease = randomLease()
    this.#woken = false
    const outcomes = this.#completer.take(performance.now())
    const takes = this.#claiming && !(this.#caution.apart && outcomes.length > 0)
    const free = takes ? this.#freeSlots() : 0
    const begin = this.#queued.slice(0, free)
    const slots = Math.min(free - begin.length, this.#caution.limit)
    const prefetch = takes
      ? Math.min(
          Math.max(0, this.#options.prefetch - this.#queued.length + begin.length),
          this.#caution.limit - slots,
        )
      : 0
    const wanted = slots + prefetch
    let answer: TickAnswer
    try {
      answer = await tick(database, {
        worker,
        lease,
        outcomes,
        begin,
        ranges: wanted > 0 ? this.#ranges() : [],
        slots,
        prefetch,
      })
    } catch (error) {
      events.emit('trouble', error)
      await this.#fail(error, lease, outcomes.length, begin.length + wanted)
      return
    }
    if (this.#troubled) events.emit('recovered')
    this.#troubled = false
    this.#backoff.reset()
    this.#settle(answer, begin, wanted)
    if (wanted > 0) {
      if (this.#caution.apart) this.#lookAt = 0
      this.#caution.succeeded()
    }
  }

  /**
   * A tick with `outcomes` outcomes that wanted `wanted` jobs has failed. Neither may suffer for the
   * other: see Caution. Only what is wrong with an outcome itself convicts it, and only when it
   * stands alone.
   */
  async #fail(error: unknown, lease: Id, outcomes: number, wanted: number): Promise<void> {
    const code = codeOf(error) ?? ''
    const mixed = outcomes > 0 && wanted > 0
    if (wanted > 0) this.#caution.refused(wanted, this.#options.types.length)
    if (mixed || outcomes === 0) this.#completer.restore()
    else if (code === LOCK_NOT_AVAILABLE || code === QUERY_CANCELLED) {
      this.#completer.rest(performance.now())
    } else if (isFaultOfData(error)) this.#completer.divide(error)
    else this.#completer.restore()

    if (!wasAnswered(error)) await this.#adopt(lease)
    else if (outcomes === 0) this.#lookAt = performance.now() + this.#claimPauseMs()
    else if (!mixed) await this.#pause()
  }

  /** Takes in the answer of a tick that asked for `wanted` jobs. */
  #settle(answer: TickAnswer, begin: readonly HandedJob[], wanted: number): void {
    const { events } = this.#options
    const { written, refused } = this.#completer.accept(
      answer.locked,
      answer.lost,
      performance.now(),
    )
    if (written.length > 0) events.emit('finished', written)
    for (const outcome of refused) events.emit('lost', outcome)

    if (begin.length > 0) this.#begin(begin, answer)
    if (answer.claimed.length > 0) events.emit('claimed', answer.claimed)
    for (const job of answer.claimed) this.#accept(job)

    if (wanted > 0) this.#planNextLook(answer)
    const holdsNothing =
      this.#running.size === 0 && this.#queued.length === 0 && this.#completer.size === 0
    if (holdsNothing && wanted > 0 && !answer.more) events.emit('idle')
  }

  #planNextLook(answer: TickAnswer): void {
    const now = performance.now()
    if (this.#woken) {
      this.#lookAt = 0
    } else if (!answer.more) {
      this.#contended = 0
      this.#lookAt = now + Math.min(this.#options.pollMs(), answer.nextDueMs ?? Infinity)
    } else if (answer.looked > 0) {
      this.#contended = 0
      this.#lookAt = 0
    } else {
      const { first, longest } = CONTENDED_MS
      const ms = Math.min(longest, first * 2 ** this.#contended)
      this.#contended += 1
      this.#lookAt = now + ms * (0.5 + Math.random() / 2)
    }
  }

  #begin(begin: readonly HandedJob[], answer: TickAnswer): void {
    const waiting = new Set(answer.waiting)
    // What neither begins nor waits was deleted, paused or put off by a client before it began.
    // A worker that is stopping has given all of them back meanwhile.
    if (!this.#claiming) return
    const kept = begin.filter((job) => waiting.has(job.id))
    this.#queued = [...this.#queued.slice(begin.length), ...kept]
    this.#beginAt = kept.length > 0 ? performance.now() + LOCKED_REST_MS : 0
    for (const job of answer.begun) this.#start(job)
  }

  #accept(job: HandedJob): void {
    this.#leases.add(job.lease)
    if (!this.#claiming) {
      // The worker is stopping, and this job has not begun: back to new.
      this.#completer.add({ id: job.id, lease: job.lease, outcome: 'released' })
      return
    }
    if (job.status === 'started') this.#start(job)
    else this.#queued.push(job)
  }

  #start(handed: HandedJob): void {
    const { events, prepare } = this.#options
    const job = prepare(handed)
    this.#running.set(handed.id, job)
    this.#runningOfType.set(handed.type, (this.#runningOfType.get(handed.type) ?? 0) + 1)
    events.emit('begun', handed)
    const ending = job.run().then((outcome) => {
      this.#endings.delete(ending)
      this.#end(job, outcome)
    })
    this.#endings.add(ending)
  }

  #end(job: RunningJob, outcome: Outcome | undefined): void {
    const { handed } = job
    this.#runningOfType.set(handed.type, (this.#runningOfType.get(handed.type) ?? 1) - 1)
    // An abandoned job has been given back already.
    if (this.#running.get(handed.id) !== job) return
    this.#running.delete(handed.id)
    if (outcome === undefined) {
      // Written by the executor's own transaction: no tick is due for it that would also look for jobs.
      this.wake()
    } else {
      this.#completer.add(outcome)
      this.#options.events.emit('ended', handed, outcome)
    }
    this.alarm.ring()
  }

  #ranges(): LaneRange[] {
    const held = new Map(this.#runningOfType)
    for (const { type } of this.#queued) held.set(type, (held.get(type) ?? 0) + 1)
    return this.#caution.typesInTurn(this.#options.types).map((type) => ({
      fromLane: type.fromLane,
      fromSeq: '-1',
      toLane: type.toLane,
      room: Math.max(0, type.concurrency - (held.get(type.name) ?? 0)),
    }))
  }

  /** How long to leave a refused claim alone: not long if other types wait for their turn. */
  #claimPauseMs(): number {
    return this.#options.types.length > 1 ? TURN_PAUSE_MS : this.#backoff.nextMs()
  }

  async #pause(): Promise<void> {
    await this.#backoff.pause(this.stopping.aborted ? undefined : this.stopping)
  }

  /**
   * A tick may have happened although its answer was lost. What it handed out is found by its lease;
   * its outcomes are sent again.
   */
  async #adopt(lease: Id): Promise<void> {
    const { database, worker, events } = this.#options
    for (;;) {
      await this.#pause()
      try {
        const jobs = await adopt(database, worker, lease)
        // Its receipt is there now, whether the tick or this has written it.
        this.#leases.add(lease)
        const queued = new Set(this.#queued.map((job) => job.id))
        for (const job of jobs) {
          const known =
            this.#running.get(job.id)?.handed.lease === job.lease ||
            queued.has(job.id) ||
            this.#completer.has(job.id, job.lease)
          if (!known) this.#accept(job)
        }
        return
      } catch (failure) {
        if (!isTransient(failure)) events.emit('trouble', failure)
        if (this.stopping.aborted) return
      }
    }
  }
}

/** A fencing token: 63 random bits as a bigint, drawn anew for every tick. */
function randomLease(): Id {
  return (randomBytes(8).readBigUInt64BE() >> 1n).toString()
}
