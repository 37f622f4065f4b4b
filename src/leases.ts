import type { Id } from './database.ts'

/**
 * How long the receipt of a call is kept whose answer was lost, in milliseconds: the call may yet come,
 * over a network that has held it up, and must then fail on the receipt.
 */
const FENCE_MS = 600_000

/** The leases under which jobs were handed out to a worker, until the database has dropped their receipts. */
export class Leases {
  readonly #open = new Set<Id>()
  readonly #doubtful = new Set<Id>()
  readonly #fencedUntil = new Map<Id, number>()

  add(lease: Id): void {
    this.#open.add(lease)
  }

  /** The answer to the call that was to hand out jobs under it was lost. */
  fence(lease: Id, now: number): void {
    this.#open.add(lease)
    this.#fencedUntil.set(lease, now + FENCE_MS)
  }

  /** Something ended under it that the database has not confirmed: it shall see for itself. */
  doubt(lease: Id): void {
    this.#doubtful.add(lease)
  }

  /** Those that none of the others needs any more. */
  closed(needed: ReadonlySet<Id>, now: number): ClosedLeases {
    const leases = [...this.#open].filter(
      (lease) => !needed.has(lease) && (this.#fencedUntil.get(lease) ?? now) <= now,
    )
    return {
      closed: leases.filter((lease) => !this.#doubtful.has(lease)),
      doubtful: leases.filter((lease) => this.#doubtful.has(lease)),
    }
  }

  /** The database has been told that they are closed. */
  forget({ closed, doubtful }: ClosedLeases): void {
    for (const lease of [...closed, ...doubtful]) {
      this.#open.delete(lease)
      this.#doubtful.delete(lease)
      this.#fencedUntil.delete(lease)
    }
  }
}

export interface ClosedLeases {
  /** Whose jobs have all come to an end that the database knows. */
  readonly closed: readonly Id[]
  /** The others. */
  readonly doubtful: readonly Id[]
}
