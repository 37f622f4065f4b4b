import { randomBytes } from 'node:crypto'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { Backoff } from './backoff.ts'
import { Caution } from './caution.ts'
import { Completer, LOCKED_REST_MS } from './completer.ts'
import type { Database, Id } from './database.ts'
import {
  CancelledError,
  codeOf,
  isRefusal,
  LOCK_NOT_AVAILABLE,
  QUERY_CANCELLED,
  type ShutdownError,
  wasAnswered,
} from './errors.ts'
import type { Events } from './events.ts'
import { Intake } from './intake.ts'
import type { ClosedLeases } from './leases.ts'
import { type Look, Lookout } from './lookout.ts'
import type { HandedJob, Outcome, TickAnswer, TickRequest } from './queries/tick.ts'
import { tick } from './queries/tick.ts'
import { askedToStop, type CancelRequest, leave, notify } from './queries/worker.ts'
import type { RegisteredType } from './registry.ts'
import type { Ending, RunningJob, Trailing } from './running-job.ts'
import { Service } from './service.ts'
import { type Coming, Slots } from './slots.ts'
import { callTo, READY } from './wake-up.ts'

/** Jobs in one claim: what a transaction of a few milliseconds holds. */
const MAX_CLAIM = 500
/** Characters of a claim's jobs, about: what a process can hold beside what it runs. */
const MAX_CLAIM_LENGTH = 4_000_000
/** Ticks on their way at once: while the database works at one, this process works at the other's jobs. */
const MAX_TICKS = 2
/** A second tick is sent only for so many outcomes, or so much room: small ones gather. */
const WORTH_A_TICK = 100

/**
 * A worker that has been full for so long, in milliseconds, leaves jobs to others: not when jobs log so much
 * that it is full until their lines are next written, as all who insert would notify then.
 */
const FULL_PATIENCE_MS = 200

/** The pause after a refused claim of one type, before another's turn, in milliseconds. */
const TURN_PAUSE_MS = 100

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
  /** Whether what jobs have told takes so much memory that nothing more should be claimed. */
  readonly isFull: () => boolean
}

/** A tick on its way. */
interface Ticking {
  readonly lease: Id
  readonly outcomes: readonly Outcome[]
  readonly begin: readonly HandedJob[]
  readonly look: Look
  /** Of the intake, when it was sent. */
  readonly doubts: number
}

/**
 * The one that talks to the queue for a whole process: each tick writes the outcomes that have come
 * together and claims as many jobs as there is room for, in one transaction. While ticks are on their
 * way outcomes gather for the next, so batches grow with the load by themselves.
 */
export class Dispatcher extends Service {
  readonly #options: DispatcherOptions
  readonly #slots: Slots
  readonly #completer = new Completer()
  readonly #backoff = new Backoff()
  readonly #caution = new Caution()
  readonly #lookout: Lookout
  readonly #intake: Intake
  readonly #ticks = new Map<Ticking, Promise<void>>()
  /** How long one job's text was in the last claim. */
  #jobLength = 0
  #claiming = true
  /** Whether so much waits to be written that nothing is claimed, when last looked at. */
  #full = false
  /** When a worker that is full leaves jobs to others, by performance.now(); Infinity once it has. */
  #leaveAt = Infinity
  #leaving: Promise<void> | undefined
  /** Whether the last tick failed: then nothing is sent beside another. */
  #failing = false
  #forsaken = false
  /** Whether trouble was told that a tick has not yet ended. */
  #troubled = false
  /** Until when outcomes gather for the next tick, by performance.now(). */
  #gatherUntil = 0
  /** When to begin queued jobs, by performance.now(): later than now if a client has locked one. */
  #beginAt = 0

  constructor(options: DispatcherOptions) {
    super()
    this.#options = options
    const { database, worker, types, concurrency, events, prepare, pollMs } = options
    this.#lookout = new Lookout({ pollMs, callOthers: () => this.#callOthers() })
    this.#slots = new Slots({
      types,
      concurrency,
      events,
      prepare,
      ended: (job, ending) => this.#end(job, ending),
    })
    this.#intake = new Intake({
      database,
      worker,
      events,
      slots: this.#slots,
      completer: this.#completer,
      stopping: this.stopping,
      ring: () => this.alarm.ring(),
    })
    // Whoever of the worker met it: a tick finds out whether the database answers.
    events.on('trouble', () => {
      this.#troubled = true
      this.wake()
    })
  }

  protected override async run(): Promise<void> {
    while (!this.stopping.aborted || (this.#completer.size > 0 && !this.#forsaken)) {
      await this.alarm.wait(this.#waitMs())
      // What ends in the same turn of the event loop goes into the same tick.
      await turnOfTheLoop()
      if (this.#slots.patienceMs(performance.now()) <= 0)
        this.#intake.giveBack(this.#slots.clearLine())
      this.#heedFullness(performance.now())
      while (this.#tickInMs(performance.now()) <= 0) this.#send()
    }
    await Promise.all([...this.#ticks.values(), this.#leaving])
  }

  /** Looks for jobs at once, or again if a look is on its way: it may have looked too early. */
  wake(): void {
    this.#lookout.call()
    this.alarm.ring()
  }

  /** The jobs that this process holds: running, in line, on their way there, and in its local queue. */
  get held(): readonly HandedJob[] {
    return [...this.#slots.held, ...this.#intake.held]
  }

  /** When the first of the running jobs will be overdue, by performance.now(). */
  get overdueAt(): number {
    return this.#slots.overdueAt
  }

  /** Leases under which nothing is held any more, and nothing on its way to the database. */
  closedLeases(): ClosedLeases {
    return this.#intake.closedLeases(this.held)
  }

  /** The database has been told that those leases are closed. */
  forget(leases: ClosedLeases): void {
    this.#intake.forget(leases)
  }

  /** A client may have asked a job to stop: if it is held here, the database tells who, and why. */
  async lookAtCancel(id: Id): Promise<void> {
    if (!this.#slots.has(id)) return
    const cancels = await askedToStop(this.#options.database, [id])
    for (const cancel of cancels) this.cancel(cancel)
  }

  /** Asks a job to stop, since a client wants that. */
  cancel({ id, by, reason: why }: CancelRequest): void {
    const because = why === null ? '' : `: ${why}`
    const whom = by === null ? '' : ` by ${by}`
    const reason = new CancelledError('JT018', `job ${id} was asked to stop${whom}${because}`)
    const inLine = this.#slots.abort(id, reason)
    if (inLine === undefined) return
    const { name, message } = reason
    const { lease } = inLine
    const outcome = 'cancelled'
    this.#completer.add({ id, lease, outcome, detail: message, error: { name, message } })
    this.alarm.ring()
  }

  /** Lets go of jobs that others have taken for lost: their attempts end, and nothing is written. */
  drop(jobs: readonly HandedJob[]): void {
    this.#intake.drop(jobs)
  }

  /** Others may have taken this worker's jobs: also those that ticks bring that are on their way. */
  doubtAnswers(): void {
    this.#intake.doubtAnswers()
  }

  /** Claims nothing more and gives back what has not begun. */
  drain(): void {
    this.#claiming = false
    this.#leaving = this.#leave()
    this.#intake.close()
  }

  /** The worker stops: running jobs, and what ended ones have told, have their grace period. */
  abortAll(reason: ShutdownError): void {
    this.#slots.abortAll(reason)
    this.#completer.abortAll(reason)
  }

  /** Resolves when no executor runs, no tick is on its way, and every outcome is in the database. */
  async drained(): Promise<void> {
    for (;;) {
      if (this.#slots.running > 0) await this.#slots.idle()
      else if (this.#ticks.size > 0) await Promise.all(this.#ticks.values())
      else if (this.#completer.size > 0) await this.#completer.drained()
      else return
    }
  }

  /** Stops trying to write outcomes, and answers those that are not in the database. */
  forsake(): ReturnType<Completer['forsake']> {
    this.#forsaken = true
    const left = this.#completer.forsake()
    for (const { lease } of left) this.#intake.doubt(lease)
    return left
  }

  /** Milliseconds until the next tick has something to do, or the line or others must not wait longer. */
  #waitMs(): number {
    const now = performance.now()
    const leaves = Math.max(0, this.#leaveAt - now)
    return Math.min(this.#tickInMs(now), this.#slots.patienceMs(now), leaves)
  }

  /** A worker that is full keeps no promise to look: others do, until it has room, and looks at once. */
  #heedFullness(now: number): void {
    const full = this.#completer.isFull || this.#options.isFull()
    if (full !== this.#full) {
      this.#full = full
      this.#leaveAt = full ? now + FULL_PATIENCE_MS : Infinity
      if (!full) this.#lookout.call()
    }
    if (this.#leaveAt > now) return
    this.#leaveAt = Infinity
    if (this.#claiming) this.#leaving = this.#leave()
  }

  #tickInMs(now: number): number {
    const vacancy = this.#claims ? this.#slots.vacancy(this.#coming.all) : 0
    if (this.#ticks.size > 0) {
      // Beside the one on its way, only if it would be a full one.
      const alone = this.#ticks.size >= MAX_TICKS || this.#failing || this.#caution.apart
      const full = this.#lookout.plenty && vacancy >= WORTH_A_TICK
      return !alone && (full || this.#completer.waiting >= WORTH_A_TICK) ? 0 : Infinity
    }
    const begins = this.#intake.queued.length > 0 && this.#freeSlots > 0 ? this.#beginAt : Infinity
    const looks = vacancy > 0 ? this.#lookout.at : Infinity
    const claims = Math.max(0, Math.min(looks, begins) - now)
    const isUrgent = this.#lookout.called || this.#completer.waiting >= WORTH_A_TICK
    const gathers = isUrgent ? 0 : this.#gatherUntil - now
    return Math.max(gathers, Math.min(this.#completer.waitMs(now), claims))
  }

  /** Whether more may be claimed; what has been claimed begins all the same. */
  get #claims(): boolean {
    return this.#claiming && !this.#full
  }

  get #freeSlots(): number {
    const { concurrency } = this.#options
    const free = concurrency - this.#slots.running - this.#slots.inLine
    return this.#claiming ? Math.max(0, free) : 0
  }

  /** Jobs on their way to the slots: those that ticks may bring, and those of the local queue. */
  get #coming(): Coming {
    let lasting = this.#intake.queued.length
    let passing = 0
    for (const { look, begin } of this.#ticks.keys()) {
      lasting += begin.length
      if (look.stays) passing += look.wanted
      else lasting += look.wanted
    }
    return { all: lasting + passing, lasting }
  }

  #send(): void {
    const { prefetch, types: all } = this.#options
    const now = performance.now()
    const outcomes = this.#completer.take(now)
    const isAlone = this.#caution.apart ? outcomes.length > 0 : this.#completer.isSuspect(outcomes)
    const takes = this.#claiming && !isAlone
    const begins = takes && this.#beginAt <= now
    const types = this.#caution.typesInTurn(all)
    const coming = this.#coming
    const begin = this.#intake.take(begins ? this.#freeSlots : 0)
    const { queued } = this.#intake
    const room = this.#slots.room(types, coming, queued, this.#lookout.plenty, now)
    const limit = takes && this.#claims ? this.#caution.limit : 0
    const fitting = Math.max(1, Math.floor(MAX_CLAIM_LENGTH / this.#jobLength))
    const slots = Math.min(room.slots, MAX_CLAIM, fitting, limit)
    const ahead = Math.min(Math.max(0, prefetch - queued.length), limit - slots)
    const wanted = slots + ahead
    if (wanted > 0) this.#slots.nextTurn()
    const whole = room.whole && !this.#caution.apart
    const alone = this.#ticks.size === 0
    const { passes: stays, aside } = room
    const look = this.#lookout.look({ wanted, whole, stays, alone, aside }, now)
    const { doubts } = this.#intake
    const sent = { lease: randomLease(), outcomes, begin, look, doubts }
    const ticking = this.#tick(sent, {
      worker: this.#options.worker,
      lease: sent.lease,
      outcomes,
      begin,
      ranges: wanted > 0 ? room.ranges : [],
      slots,
      prefetch: ahead,
      promises: look.promises,
      stays,
      awaits: look.awaits,
      woken: look.woken && slots > 0 && outcomes.length + begin.length === 0,
    }).finally(() => {
      this.#ticks.delete(sent)
      this.alarm.ring()
    })
    this.#ticks.set(sent, ticking)
  }

  async #tick(sent: Ticking, request: TickRequest): Promise<void> {
    const { database, events } = this.#options
    let answer: TickAnswer
    try {
      answer = await tick(database, request)
    } catch (error) {
      this.#failing = true
      events.emit('trouble', error)
      await this.#fail(error, sent)
      return
    }
    if (this.#troubled) events.emit('recovered')
    this.#troubled = false
    this.#failing = false
    this.#backoff.reset()
    const jobs = this.#settle(answer, sent)
    if (sent.doubts === this.#intake.doubts) await this.#intake.receive(sent.begin, jobs)
    else await this.#intake.adopt(sent.lease, sent.begin, () => this.#pause())
    if (sent.outcomes.length > 0) this.#gatherUntil = performance.now() + this.#slots.gatherMs
    if (sent.look.wanted > 0) {
      // One type was looked at: it is the others' turn.
      if (this.#caution.apart) this.#lookout.call()
      this.#caution.succeeded()
    }
  }

  /**
   * A tick has failed. Neither its outcomes nor its claim may suffer for the other: see Caution. Only
   * what is wrong with an outcome itself convicts it, and only when it stands alone.
   */
  async #fail(error: unknown, { lease, outcomes, begin, look }: Ticking): Promise<void> {
    const code = codeOf(error) ?? ''
    const claimed = begin.length + look.wanted
    const mixed = outcomes.length > 0 && claimed > 0
    if (claimed > 0) this.#caution.refused(claimed, this.#options.types.length)
    if (mixed || outcomes.length === 0) this.#completer.restore(outcomes)
    else if (code === LOCK_NOT_AVAILABLE || code === QUERY_CANCELLED) {
      this.#completer.rest(outcomes, performance.now())
    } else if (isRefusal(error)) this.#completer.divide(outcomes, error, performance.now())
    else this.#completer.restore(outcomes)

    if (!wasAnswered(error)) {
      // Whether they have begun is known when the lost tick is: until then no other may begin them.
      await this.#intake.adopt(lease, begin, () => this.#pause())
      return
    }
    this.#intake.restore(begin)
    if (outcomes.length === 0) this.#lookout.wait(performance.now() + this.#claimPauseMs())
    else if (!mixed && !this.#completer.isSuspect(outcomes)) await this.#pause()
  }

  /** Takes in the answer of a tick, but for the jobs that it has brought, which it answers. */
  #settle(answer: TickAnswer, sent: Ticking): readonly HandedJob[] {
    const { events } = this.#options
    const now = performance.now()
    const { written, refused } = this.#completer.accept(
      sent.outcomes,
      answer.locked,
      answer.lost,
      now,
    )
    if (written.length > 0) events.emit('finished', written)
    for (const outcome of refused) {
      this.#intake.doubt(outcome.lease)
      events.emit('lost', outcome)
    }

    // What neither begins nor waits was deleted, paused or put off by a client before it began.
    const waiting = new Set(answer.waiting)
    const kept = sent.begin.filter((job) => waiting.has(job.id))
    if (sent.begin.length > 0) this.#beginAt = kept.length > 0 ? now + LOCKED_REST_MS : 0
    if (answer.claimed.length > 0) {
      this.#jobLength = answer.claimedLength / answer.claimed.length
      events.emit('claimed', answer.claimed)
    }
    const jobs = [...kept, ...answer.begun, ...answer.claimed]

    if (sent.look.wanted === 0) return jobs
    this.#lookout.answered(answer, sent.look, performance.now())
    if (sent.look.aside) this.#slots.lookedAside(answer.looked > 0, now)
    const held = this.#slots.running + this.#slots.inLine + this.#intake.queued.length + jobs.length
    if (held + this.#completer.size === 0 && this.#lookout.sleeps) events.emit('idle')
    return jobs
  }

  /** Wakes workers that sleep because this one had room: it has none left. */
  #callOthers(): void {
    const { database, worker } = this.#options
    notify(database, READY, callTo(this.#typeIds, worker)).catch(() => undefined)
  }

  /** Leaves new jobs to other workers, from when the last claim has been answered. */
  async #leave(): Promise<void> {
    await Promise.all([...this.#ticks.values(), this.#leaving])
    // If it fails, the promise to look lapses by itself.
    await leave(this.#options.database, this.#typeIds).catch(() => undefined)
  }

  #end(job: HandedJob, ending: Ending): void {
    if (ending !== undefined && 'abort' in ending) {
      void this.#follow(job, ending)
      // If there is room for its type again, no tick is due for it yet that would look for jobs.
      if (this.#slots.wasAtLimit(job.type, this.#coming.all)) this.#lookout.call()
    } else if (ending === undefined) {
      // Written by the executor's own transaction: no tick is due for it that would also look for jobs.
      this.wake()
    } else {
      this.#completer.add(ending)
      this.#options.events.emit('ended', job, ending)
    }
    this.alarm.ring()
  }

  /** An outcome comes when what its job has told is in the database: that may wait for a client's lock. */
  async #follow(job: HandedJob, ending: Trailing): Promise<void> {
    const outcome = await this.#completer.follow(job, ending)
    if (outcome === undefined) this.wake()
    else {
      this.#options.events.emit('ended', job, outcome)
      this.alarm.ring()
    }
  }

  /** How long to leave a refused claim alone: not long if other types wait for their turn. */
  #claimPauseMs(): number {
    return this.#options.types.length > 1 ? TURN_PAUSE_MS : this.#backoff.nextMs()
  }

  get #typeIds(): readonly number[] {
    return this.#options.types.map((type) => type.id)
  }

  async #pause(): Promise<void> {
    await this.#backoff.pause(this.stopping.aborted ? undefined : this.stopping)
  }
}

/** A fencing token: 63 random bits as a bigint, drawn anew for every tick. */
function randomLease(): Id {
  return (randomBytes(8).readBigUInt64BE() >> 1n).toString()
}
