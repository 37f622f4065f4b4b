import type { TickAnswer } from './queries/tick.ts'

/** After a claim that found some jobs, but not as many as there was room for, look again this soon. */
const LINGER_MS = 1
/**
 * While transactions are open that may make jobs claimable in silence, look again this soon: a quarter of
 * the time that this has gone on for.
 */
const AWAIT_MS = { shortest: 1, longest: 1_000 } as const
/** After a claim that found only what other workers were taking, look again this soon. */
const CONTENDED_MS = { first: 1, longest: 32 } as const

/**
 * Two looks that found jobs, one after the other or within so many milliseconds, make the worker
 * promise the next one, and so does one that left some. Jobs that come more rarely notify it:
 * setting the flag and taking it back would cost more.
 */
const BUSY_MS = 5

export interface LookoutOptions {
  /** How long to sleep at most between two looks, in milliseconds, now. */
  readonly pollMs: () => number
  /** Wakes workers that sleep because this one had room: it has none left. */
  readonly callOthers: () => void
}

/** A look at the queue that is about to be sent. */
export interface LookRequest {
  /** How many jobs it may bring. */
  readonly wanted: number
  /** Whether they may be of any type. */
  readonly whole: boolean
  /** Whether another will follow although it brings all of them. */
  readonly stays: boolean
  /** Whether no other look is on its way. */
  readonly alone: boolean
  /** Whether it is for types whose jobs are rare beside those that keep the worker busy. */
  readonly aside: boolean
}

/** A look at the queue that is on its way. */
export interface Look extends Pick<LookRequest, 'wanted' | 'whole' | 'stays' | 'aside'> {
  /** Whether it promises another look, so that nobody notifies meanwhile. */
  readonly promises: boolean
  /** Whether it waits for the end of transactions. */
  readonly awaits: boolean
  /** Whether the worker slept, and was called: most often by one job. */
  readonly woken: boolean
  /** Its number, if no other was on its way when it was sent. */
  readonly alone: number | undefined
  /** How often somebody had called when it was sent: a later call may mean a job that it misses. */
  readonly calls: number
}

/**
 * Knows when to look for jobs next. No job may wait unseen: either the next one wakes the worker, or
 * the worker has promised to look again, and does.
 */
export class Lookout {
  readonly #options: LookoutOptions
  /** When to look next, by performance.now(). */
  #at = 0
  #looks = 0
  #calls = 0
  /** How many of the calls were before the last look was sent. */
  #callsSeen = 0
  /** Looks in a row that found jobs. */
  #found = 0
  /** When the last look found jobs, and the one before that did, by performance.now(). */
  #foundAt = -Infinity
  #foundBefore = -Infinity
  /** Whether the next job wakes the worker: no promise is left. */
  #armed = false
  #armedAt = 0
  #sleeps = false
  #woken = false
  /** Transactions that do not know that the worker wants to be woken: it looks until they have ended. */
  #awaited: readonly string[] = []
  #contended = 0
  #plenty = false
  /** Whether the last look left jobs that this worker has no room for. */
  #overfull = false

  constructor(options: LookoutOptions) {
    this.#options = options
  }

  /** When to look next, by performance.now(); 0 for at once. */
  get at(): number {
    return this.#at
  }

  /**
   * Whether the last look (but for those aside) found jobs and left some: another one beside the next is
   * of use.
   */
  get plenty(): boolean {
    return this.#plenty
  }

  /** Whether the last look found nothing, and the next job wakes the worker. */
  get sleeps(): boolean {
    return this.#sleeps
  }

  /** Whether somebody has called since the last look was sent. */
  get called(): boolean {
    return this.#calls !== this.#callsSeen
  }

  /** There may be something: look at once, and again after a look that is on its way. */
  call(): void {
    this.#calls += 1
    this.#woken ||= this.#sleeps
    this.#sleeps = false
    this.#at = 0
  }

  /** Leaves the queue alone until then, by performance.now(). */
  wait(until: number): void {
    this.#at = until
  }

  /** A look is sent. */
  look({ wanted, whole, stays, alone, aside }: LookRequest, now: number): Look {
    this.#looks += 1
    this.#callsSeen = this.#calls
    const isBusy = this.#plenty || this.#found >= 2 || now - this.#foundBefore < BUSY_MS
    if (stays && isBusy) this.#armed = false
    const woken = this.#woken && !isBusy
    this.#woken = false
    return {
      wanted,
      whole,
      stays,
      aside,
      // The next one looks at other types.
      promises: !this.#armed && !aside,
      awaits: this.#awaited.length > 0,
      woken,
      alone: alone ? this.#looks : undefined,
      calls: this.#calls,
    }
  }

  /** A look has been answered. */
  answered(answer: TickAnswer, look: Look, now: number): void {
    const { looked, more, claimed } = answer
    this.#sleeps = false
    if (look.aside && looked === 0) {
      // Of those that keep it busy it has not told.
      this.#at = 0
      return
    }
    const overfull = more && claimed.length >= look.wanted
    if (overfull && !this.#overfull) this.#options.callOthers()
    this.#overfull = overfull
    if (!look.aside) this.#plenty = more && looked > 0
    this.#found = looked > 0 ? this.#found + 1 : 0
    if (looked > 0) {
      this.#foundBefore = this.#foundAt
      this.#foundAt = now
    }
    if (looked > 0 || !more) this.#contended = 0

    if (this.#calls !== look.calls || this.#plenty) this.#at = 0
    else if (looked > 0) this.#at = now + LINGER_MS
    else if (more) this.#at = now + this.#contendedMs()
    // What another look beside it has promised is not known to be taken back.
    else if (!look.whole || look.alone !== this.#looks) this.#at = 0
    else this.#at = now + this.#sleepMs(answer, now)
  }

  #contendedMs(): number {
    const { first, longest } = CONTENDED_MS
    const ms = Math.min(longest, first * 2 ** this.#contended)
    this.#contended += 1
    return ms * (0.5 + Math.random() / 2)
  }

  /** How long to sleep after a look that found nothing. */
  #sleepMs({ writers, nextDueMs }: TickAnswer, now: number): number {
    if (!this.#armed) this.#armedAt = now
    this.#awaited = this.#armed ? this.#awaited.filter((one) => writers.includes(one)) : writers
    this.#armed = true
    this.#sleeps = true
    const { shortest, longest } = AWAIT_MS
    const awaitMs = Math.min(longest, Math.max(shortest, (now - this.#armedAt) / 4))
    const ms = this.#awaited.length > 0 ? awaitMs : this.#options.pollMs()
    return Math.min(ms, nextDueMs ?? Infinity)
  }
}
