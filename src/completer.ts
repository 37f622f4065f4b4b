import { Backoff } from './backoff.ts'
import type { Id } from './database.ts'
import { isFaultOfData, type ShutdownError } from './errors.ts'
import type { Outcome } from './queries/tick.ts'
import type { Trailing } from './running-job.ts'
import { storedError } from './stored-error.ts'

/** Outcomes in one tick: what a transaction of a few milliseconds holds. */
const MAX_BATCH = 2_000
/**
 * Outcomes that wait for what their jobs have told, by a client's lock perhaps: while there are so many
 * nothing more is claimed, since they and what they wait for take memory.
 */
export const MAX_TRAILING = 1_000
/** How long a job rests whose row a client has locked, in milliseconds. */
export const LOCKED_REST_MS = 50

/** A job whose executor has ended. */
type Ended = Pick<Outcome, 'id' | 'lease'>

/**
 * Holds outcomes from the end of the executor until the database has them. None is dropped but on the
 * database's word: a batch whose answer was lost is sent again, which is harmless, and one that met a
 * client's lock rests for a moment, so that it delays nobody else.
 */
export class Completer {
  #pending: Outcome[] = []
  /** Whose outcomes are yet to come: they must not overtake what the jobs have told. */
  readonly #trailing = new Map<Trailing, Ended>()
  /** Why the worker waits no longer for what jobs have told. */
  #reason: ShutdownError | undefined
  #resting: Outcome[] = []
  #restUntil = 0
  /** Those that the database refuses even when they stand alone, and until when they wait. */
  #refused: Outcome[] = []
  #refusedUntil = 0
  readonly #backoff = new Backoff()
  readonly #sent = new Set<readonly Outcome[]>()
  /** Those that an unanswered call may have written already. */
  readonly #doubtful = new WeakSet<Outcome>()
  /** Those that say of others that they could not be stored. */
  readonly #substitutes = new WeakSet<Outcome>()
  readonly #suspects = new WeakSet<Outcome>()
  #limit = MAX_BATCH
  #drained: PromiseWithResolvers<void> | undefined

  add(outcome: Outcome): void {
    this.#pending.push(outcome)
  }

  /** Adds the outcome of an ended job when it comes, and answers it. */
  async follow({ id, lease }: Ended, trailing: Trailing): Promise<Outcome | undefined> {
    this.#trailing.set(trailing, { id, lease })
    if (this.#reason !== undefined) trailing.abort(this.#reason)
    const outcome = await trailing.outcome
    this.#trailing.delete(trailing)
    if (outcome === undefined) this.#settle()
    else this.add(outcome)
    return outcome
  }

  /** How many outcomes are not in the database yet. */
  get size(): number {
    let sent = 0
    for (const batch of this.#sent) sent += batch.length
    const kept = this.#pending.length + this.#resting.length + this.#refused.length
    return this.#trailing.size + kept + sent
  }

  /** Whether so many are yet to come that no more jobs should begin. */
  get isFull(): boolean {
    return this.#trailing.size >= MAX_TRAILING
  }

  /** How many wait to be sent. */
  get waiting(): number {
    return this.#pending.length
  }

  /** The leases of the outcomes that are not in the database yet. */
  *leases(): Iterable<Id> {
    for (const { lease } of this.#trailing.values()) yield lease
    for (const outcomes of this.#batches()) {
      for (const outcome of outcomes) yield outcome.lease
    }
  }

  /** Milliseconds until something can be sent; 0 for now, Infinity for nothing. */
  waitMs(now: number): number {
    if (this.#pending.length > 0) return 0
    const rest = this.#resting.length > 0 ? this.#restUntil : Infinity
    const refused = this.#refused.length > 0 ? this.#refusedUntil : Infinity
    return Math.max(0, Math.min(rest, refused) - now)
  }

  /** Whether a batch is an outcome that was refused alone: it goes alone again, also without a claim. */
  isSuspect(batch: readonly Outcome[]): boolean {
    return batch.length === 1 && batch.every((outcome) => this.#suspects.has(outcome))
  }

  /** The next batch. It counts as on its way until `accept`, `restore`, `rest` or `divide`. */
  take(now: number): readonly Outcome[] {
    if (this.#resting.length > 0 && this.#restUntil <= now) {
      this.#pending = [...this.#resting, ...this.#pending]
      this.#resting = []
    }
    if (this.#refused.length > 0 && this.#refusedUntil <= now) {
      const suspect = this.#refused.splice(0, 1)
      this.#sent.add(suspect)
      return suspect
    }
    const whole = this.#pending.length <= this.#limit
    const batch = whole ? this.#pending : this.#pending.splice(0, this.#limit)
    if (whole) this.#pending = []
    if (batch.length > 0) this.#sent.add(batch)
    return batch
  }

  /** The database has answered: tells which outcomes it wrote and which it refused. */
  accept(
    batch: readonly Outcome[],
    locked: readonly Id[],
    lost: readonly Id[],
    now: number,
  ): { written: readonly Outcome[]; refused: readonly Outcome[] } {
    if (this.isSuspect(batch) && !batch.some((outcome) => this.#substitutes.has(outcome))) {
      // What was wrong with it may have been wrong with all of them.
      this.#backoff.reset()
      this.#pending.push(...this.#refused.splice(0))
    }
    this.#sent.delete(batch)
    this.#limit = Math.min(MAX_BATCH, this.#limit * 2)
    if (locked.length === 0 && lost.length === 0) {
      this.#settle()
      return { written: batch, refused: [] }
    }
    const lockedIds = new Set(locked)
    const lostIds = new Set(lost)
    this.#resting.push(...batch.filter((outcome) => lockedIds.has(outcome.id)))
    this.#restUntil = now + LOCKED_REST_MS
    this.#settle()
    return {
      written: batch.filter((outcome) => !lockedIds.has(outcome.id) && !lostIds.has(outcome.id)),
      // A job that went back to new by a call whose answer was lost has left the lease as asked.
      refused: batch.filter((outcome) => lostIds.has(outcome.id) && !this.#doubtful.has(outcome)),
    }
  }

  /** No answer came: the batch is to be sent again. */
  restore(batch: readonly Outcome[]): void {
    this.#sent.delete(batch)
    for (const outcome of batch) this.#doubtful.add(outcome)
    this.#pending = [...batch, ...this.#pending]
  }

  /**
   * A client's lock beside a job's row (on its result, say) keeps the batch from being written. It is
   * sent again in halves, until the one that is locked rests alone.
   */
  rest(batch: readonly Outcome[], now: number): void {
    this.#limit = Math.max(1, Math.floor(batch.length / 2))
    if (batch.length > 1) return this.restore(batch)
    this.#sent.delete(batch)
    this.#resting.push(...batch)
    this.#restUntil = now + LOCKED_REST_MS
  }

  /**
   * The database refuses the batch for a reason that does not pass in a moment. It is sent again in
   * halves, until the one outcome at fault stands alone. If its data are to blame, that job fails with
   * the reason; else, or if that is refused as well, it waits behind the others, ever longer.
   */
  divide(batch: readonly Outcome[], reason: unknown, now: number): void {
    this.#limit = Math.max(1, Math.floor(batch.length / 2))
    const [first, ...others] = batch
    if (first === undefined || others.length > 0) return this.restore(batch)
    this.#sent.delete(batch)
    this.#suspects.add(first)
    if (isFaultOfData(reason) && !this.#substitutes.has(first)) {
      const substitute = failed(first, reason)
      this.#substitutes.add(substitute)
      this.#suspects.add(substitute)
      this.#refused.unshift(substitute)
      this.#refusedUntil = now
      return
    }
    this.#refused.push(first)
    this.#refusedUntil = now + this.#backoff.nextMs()
  }

  /** The worker stops: what jobs have told, or will have, has a grace period to arrive. */
  abortAll(reason: ShutdownError): void {
    this.#reason = reason
    for (const trailing of this.#trailing.keys()) trailing.abort(reason)
  }

  /** Gives up: what is not in the database yet, for whoever must tell. */
  forsake(): readonly Outcome[] {
    const left = this.#batches().flat()
    this.#sent.clear()
    this.#resting = []
    this.#refused = []
    this.#pending = []
    this.#settle()
    return left
  }

  /** Resolves when every outcome is in the database. */
  async drained(): Promise<void> {
    if (this.size === 0) return
    this.#drained ??= Promise.withResolvers()
    await this.#drained.promise
  }

  #batches(): (readonly Outcome[])[] {
    return [...this.#sent, this.#resting, this.#refused, this.#pending]
  }

  #settle(): void {
    if (this.size > 0) return
    this.#drained?.resolve()
    this.#drained = undefined
  }
}

/** The outcome in place of one that cannot be stored. */
function failed({ id, lease, outcome }: Outcome, reason: unknown): Outcome {
  const error = storedError(reason)
  const detail = `its outcome (${outcome}) could not be stored: ${error.message.slice(0, 300)}`
  return { id, lease, outcome: 'failed', detail, error }
}
