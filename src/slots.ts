import type { Id } from './database.ts'
import type { JobtableError } from './errors.ts'
import type { Events } from './events.ts'
import type { HandedJob, LaneRange } from './queries/tick.ts'
import type { RegisteredType } from './registry.ts'
import type { Ending, RunningJob } from './running-job.ts'

/**
 * A worker takes jobs ahead of its free slots while they are so short that they begin within this
 * time, in milliseconds: about a round trip and a flush of the WAL, which it would stand idle for.
 */
const AHEAD_MS = 5
/**
 * While there are plenty of short jobs, those of other types are looked for by looks of their own: after
 * one that found none so much later, in milliseconds.
 */
const ASIDE_MS = 5
/** Jobs that stand in line at most: two ticks' worth. */
const MAX_AHEAD = 1_000
/** A job that stood in line for so long, since those before it were not short, is given back, in ms. */
const LINE_PATIENCE_MS = 100
/** Durations vary: an average follows longer ones by a quarter, shorter ones by a thirty-second. */
const RISE = 1 / 4
const FALL = 1 / 32
/**
 * While jobs take long, outcomes gather for this share of the time that they take, and for so long at
 * most, in milliseconds: a slot that waits for them is idle no longer than that.
 */
const GATHER_SHARE = 1 / 50
const MAX_GATHER_MS = 3
/** The shortest duration reckoned with, in milliseconds. */
const SHORTEST_MS = 0.001

export interface SlotsOptions {
  readonly types: readonly RegisteredType[]
  /** Executors that run at once. */
  readonly concurrency: number
  readonly events: Events
  /** Makes a job ready to run in this process. */
  readonly prepare: (job: HandedJob) => RunningJob
  /** An executor has ended, and its slot is free. */
  readonly ended: (job: HandedJob, ending: Ending) => void
}

/** Jobs on their way to the slots: at most so many. */
export interface Coming {
  readonly all: number
  /** All but those that looks for short types alone may bring. */
  readonly lasting: number
}

/** What a claim may bring. */
export interface Room {
  readonly ranges: LaneRange[]
  readonly slots: number
  /** Whether it is for all types that were asked for. */
  readonly whole: boolean
  /** Whether all that comes is short, so that there will be room again in a moment. */
  readonly passes: boolean
  /** Whether it is only for types whose jobs are not short, since those have looks of their own. */
  readonly aside: boolean
}

interface TypeSlots extends RegisteredType {
  /** Whether fewer of it may run at once than the worker runs. */
  readonly limited: boolean
  /** Jobs that run, and those in line. */
  held: number
  /** How long its jobs take, on the average of late; undefined if nothing is known. */
  meanMs: number | undefined
}

/**
 * The places in which jobs run in this process, and the line before them. Jobs in line have started for
 * the database, so that they can begin without waiting for it; only types whose jobs end within
 * moments have any there.
 */
export class Slots {
  readonly #options: SlotsOptions
  readonly #types: readonly TypeSlots[]
  readonly #byName: ReadonlyMap<string, TypeSlots>
  /** Attempts: of one job there may be two, if others have rescued it from this very worker. */
  readonly #running = new Set<RunningJob>()
  #line: HandedJob[] = []
  /** Where the line begins in its array. */
  #first = 0
  /** Since when the first in line has waited without anybody beginning, by performance.now(). */
  #stuckSince = 0
  #filling = false
  /** Whether it is the turn of the short ones. */
  #shortTurn = false
  /** When it is the turn of the others again, by performance.now(). */
  #asideAt = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(options: SlotsOptions) {
    this.#options = options
    this.#types = options.types.map((type) => ({
      ...type,
      limited: type.concurrency < options.concurrency,
      held: 0,
      meanMs: undefined,
    }))
    this.#byName = new Map(this.#types.map((type) => [type.name, type]))
  }

  get running(): number {
    return this.#running.size
  }

  get inLine(): number {
    return this.#line.length - this.#first
  }

  /** The jobs that run, and those in line. */
  get held(): HandedJob[] {
    return [...Array.from(this.#running, (job) => job.handed), ...this.#line.slice(this.#first)]
  }

  /**
   * What may be asked for while more are on their way: of types whose jobs are short, as many as will
   * begin within moments; of the others, as many as have a free slot. If there are both kinds, and
   * plenty of jobs, in turns: neither may take the places of the other.
   *
   * @param taking the types whose turn it is
   * @param coming jobs that are on their way
   * @param queued jobs of the local queue: a type's limit counts them
   * @param plenty whether more jobs wait than a look brings; else one look is for all types
   */
  room(
    taking: readonly RegisteredType[],
    coming: Coming,
    queued: readonly HandedJob[],
    plenty: boolean,
    now: number,
  ): Room {
    const types = taking.flatMap((type) => this.#byName.get(type.name) ?? [])
    const short = types.filter(isShort)
    const others = types.filter((type) => !isShort(type))
    const places = this.#places()
    const rooms = short.map((type) => this.#ahead(type, places) - coming.all)
    const most = Math.max(0, ...rooms)
    // Short ones that are on their way will have passed before the others' come.
    const slots = Math.max(0, places - (plenty && most > 0 ? coming.lasting : coming.all))
    const isTurnOfShort = plenty && (this.#shortTurn || now < this.#asideAt)
    if (most > 0 && (others.length === 0 || slots === 0 || isTurnOfShort)) {
      const ranges = short.map((type, n) => range(type, rooms[n] ?? 0))
      const whole = others.length === 0
      return { slots: most, ranges, whole, passes: true, aside: false }
    }
    const limit = (type: TypeSlots): number =>
      type.concurrency - type.held - queued.filter((job) => job.type === type.name).length
    const aside = plenty && most > 0
    // Aside, one of each type of which nothing is known is enough to know whether it is short.
    const roomOf = (type: TypeSlots): number =>
      aside && type.meanMs === undefined ? Math.min(1, limit(type)) : limit(type)
    const ranges = (aside ? others : types).map((type) => range(type, roomOf(type)))
    return { slots, ranges, whole: !aside, passes: false, aside }
  }

  /** A look for the others has been answered: when none was found, the next one is not so soon. */
  lookedAside(found: boolean, now: number): void {
    this.#asideAt = found ? 0 : now + ASIDE_MS
  }

  /** How many jobs may be asked for at most, whosever turn it is. */
  vacancy(coming: number): number {
    const places = this.#places()
    const ahead = this.#types.filter(isShort).map((type) => this.#ahead(type, places))
    return Math.max(places, ...ahead) - coming
  }

  /** How long outcomes may gather for a tick, by the shortest jobs of late, in milliseconds. */
  get gatherMs(): number {
    const shortest = Math.min(...this.#types.map((type) => type.meanMs ?? Infinity))
    return shortest === Infinity ? 0 : Math.min(MAX_GATHER_MS, shortest * GATHER_SHARE)
  }

  /** A claim was sent: the next one is for the others. */
  nextTurn(): void {
    this.#shortTurn = !this.#shortTurn
  }

  /** A job that has started: begins as soon as there is a slot, most often at once. */
  accept(job: HandedJob): void {
    if (this.inLine === 0) this.#stuckSince = performance.now()
    this.#line.push(job)
    const type = this.#byName.get(job.type)
    if (type !== undefined) type.held += 1
  }

  /** Begins what has a slot. */
  fill(): void {
    if (this.#filling) return
    this.#filling = true
    while (this.#running.size < this.#options.concurrency) {
      const job = this.#line[this.#first]
      if (job === undefined) break
      this.#first += 1
      this.#start(job)
    }
    if (this.#first >= this.#line.length) {
      this.#line = []
      this.#first = 0
    }
    this.#filling = false
  }

  /** Milliseconds until the line has stood still for too long; Infinity if nobody stands there. */
  patienceMs(now: number): number {
    if (this.inLine === 0) return Infinity
    return Math.max(0, this.#stuckSince + LINE_PATIENCE_MS - now)
  }

  /**
   * Clears the line, for its jobs to be given back: the worker stops, or those that run take their
   * time. Nothing more of their types stands in line until their jobs are known to be short again.
   */
  clearLine(): readonly HandedJob[] {
    const left = this.#line.slice(this.#first)
    this.#line = []
    this.#first = 0
    for (const job of left) this.#leave(job)
    for (const { handed } of this.#running) {
      const type = this.#byName.get(handed.type)
      if (type !== undefined) type.meanMs = undefined
    }
    return left
  }

  /** Whether a job runs here or stands in line. */
  has(id: Id): boolean {
    return this.held.some((job) => job.id === id)
  }

  /**
   * Asks a job to stop. One that is still in line leaves it, never to begin, and is answered.
   *
   * @param lease only the attempt under this lease; of one job another may have come meanwhile
   */
  abort(id: Id, reason: JobtableError, lease?: Id): HandedJob | undefined {
    for (const job of this.#running) {
      const { handed } = job
      if (handed.id === id && (lease === undefined || handed.lease === lease)) job.abort(reason)
    }
    const n = this.#placeInLine(id)
    if (n < 0 || (lease !== undefined && this.#line[n]?.lease !== lease)) return undefined
    const [job] = this.#line.splice(n, 1)
    if (job !== undefined) this.#leave(job)
    return job
  }

  abortAll(reason: JobtableError): void {
    for (const job of this.#running) job.abort(reason)
  }

  /** When the first of the running jobs will be overdue, by performance.now(). */
  get overdueAt(): number {
    let first = Infinity
    for (const { overdueAt } of this.#running) first = Math.min(first, overdueAt ?? first)
    return first
  }

  /**
   * Whether a type that one job has just left has room again, and perhaps had none before.
   *
   * @param coming jobs that are on their way, of whatever types: what brings them looked for no more
   */
  wasAtLimit(name: string, coming: number): boolean {
    const type = this.#byName.get(name)
    return type?.limited === true && type.concurrency - type.held - coming <= 1
  }

  /** Resolves when no executor runs. */
  async idle(): Promise<void> {
    if (this.#running.size === 0) return
    this.#idle ??= Promise.withResolvers()
    await this.#idle.promise
  }

  /** Slots that no long job has. Those of short ones will be free in a moment. */
  #places(): number {
    const long = this.#types.reduce((sum, type) => sum + (isShort(type) ? 0 : type.held), 0)
    return Math.max(0, this.#options.concurrency - long)
  }

  /** Free slots, and places in line that a short type's jobs pass within moments. */
  #ahead(type: TypeSlots, places: number): number {
    const inLine = Math.min(MAX_AHEAD, Math.floor((places * AHEAD_MS) / (type.meanMs ?? Infinity)))
    return this.#options.concurrency - this.running - this.inLine + inLine
  }

  #placeInLine(id: Id): number {
    return this.#line.findIndex((job, index) => index >= this.#first && job.id === id)
  }

  #start(handed: HandedJob): void {
    const { events, prepare } = this.#options
    const job = prepare(handed)
    this.#running.add(job)
    events.emit('begun', handed)
    const begun = performance.now()
    this.#stuckSince = begun
    job.run((ending) => {
      this.#end(job, ending, begun)
      this.fill()
    })
  }

  #end(job: RunningJob, ending: Ending, begun: number): void {
    const { handed } = job
    this.#running.delete(job)
    const type = this.#leave(handed)
    if (type !== undefined) {
      const ms = Math.max(SHORTEST_MS, performance.now() - begun)
      const mean = type.meanMs ?? ms
      type.meanMs = mean + (ms - mean) * (ms > mean ? RISE : FALL)
    }
    this.#options.ended(handed, ending)
    this.#settle()
  }

  #leave(job: HandedJob): TypeSlots | undefined {
    const type = this.#byName.get(job.type)
    if (type !== undefined) type.held -= 1
    return type
  }

  #settle(): void {
    if (this.#idle === undefined || this.#running.size > 0) return
    this.#idle.resolve()
    this.#idle = undefined
  }
}

/** Whether a type's jobs end within moments, and are not limited, so that some may stand in line. */
function isShort(type: TypeSlots): boolean {
  return type.meanMs !== undefined && type.meanMs <= AHEAD_MS && !type.limited
}

function range(type: TypeSlots, room: number): LaneRange {
  return {
    fromLane: type.fromLane,
    toLane: type.toLane,
    room: Math.max(0, room),
  }
}
