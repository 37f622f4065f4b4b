import type { Id } from './database.ts'
import type { Outcome } from './queries/tick.ts'
import { storedError } from './stored-error.ts'

/** Outcomes in one tick: what a transaction of a few milliseconds holds. */
const MAX_BATCH = 2_000
/** How long a job rests whose row a client has locked, in milliseconds. */
export const LOCKED_REST_MS = 50

/**
 * Holds outcomes until the database has them. None is dropped but on the database's word: a batch
 * whose answer was lost is sent again, which is harmless, and one that met a client's lock rests for
 * a moment, so that it delays nobody else.
 */
export class Completer {
  #pending: Outcome[] = []
  #resting: Outcome[] = []
  #restUntil = 0
  readonly #sent = new Set<readonly Outcome[]>()
  /** Those that an unanswered call may have written already. */
  readonly #doubtful = new WeakSet<Outcome>()
  #limit = MAX_BATCH
  #drained: PromiseWithResolvers<void> | undefined

  add(outcome: Outcome): void {
    this.#pending.push(outcome)
  }

  /** How many outcomes are not in the database yet. */
  get size(): number {
    let sent = 0
    for (const batch of this.#sent) sent += batch.length
    return this.#pending.length + this.#resting.length + sent
  }

  /** How many wait to be sent. */
  get waiting(): number {
    return this.#pending.length
  }

  /** The leases of the outcomes that are not in the database yet. */
  *leases(): Iterable<Id> {
    for (const outcomes of this.#batches()) {
      for (const outcome of outcomes) yield outcome.lease
    }
  }

  /** Milliseconds until something can be sent; 0 for now, Infinity for nothing. */
  waitMs(now: number): number {
    if (this.#pending.length > 0) return 0
    return this.#resting.length > 0 ? Math.max(0, this.#restUntil - now) : Infinity
  }

  /** The next batch. It counts as on its way until `accept`, `restore`, `rest` or `divide`. */
  take(now: number): readonly Outcome[] {
    if (this.#resting.length > 0 && this.#restUntil <= now) {
      this.#pending = [...this.#resting, ...this.#pending]
      this.#resting = []
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
   * The database refuses the batch for a reason that does not pass. It is sent again in halves, until
   * the one outcome at fault stands alone; that job fails with the reason, and the rest goes on.
   */
  divide(batch: readonly Outcome[], reason: unknown): void {
    this.#limit = Math.max(1, Math.floor(batch.length / 2))
    const [first, ...others] = batch
    if (first === undefined || others.length > 0) return this.restore(batch)
    const error = storedError(reason)
    this.#sent.delete(batch)
    this.#pending.unshift({
      id: first.id,
      lease: first.lease,
      outcome: 'failed',
      detail: `its outcome (${first.outcome}) could not be stored: ${error.message.slice(0, 300)}`,
      error,
    })
  }

  /** Gives up: what is not in the database yet, for whoever must tell. */
  forsake(): readonly Outcome[] {
    const left = this.#batches().flat()
    this.#sent.clear()
    this.#resting = []
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
    return [...this.#sent, this.#resting, this.#pending]
  }

  #settle(): void {
    if (this.size > 0) return
    this.#drained?.resolve()
    this.#drained = undefined
  }
}
