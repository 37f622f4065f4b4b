import type { Id } from './database.ts'

/** The leases under which jobs were handed out to a worker, until the database has dropped their receipts. */
export class Leases {
  readonly #open = new Set<Id>()
  readonly #doubtful = new Set<Id>()

  add(lease: Id): void {
    this.#open.add(lease)
  }

  /** Something ended under it that the database has not confirmed: it shall see for itself. */
  doubt(lease: Id): void {
    this.#doubtful.add(lease)
  }

  /** Those that none of the others needs any more. */
  closed(needed: ReadonlySet<Id>): ClosedLeases {
    const leases = [...this.#open].filter((lease) => !needed.has(lease))
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
    }
  }
}

export interface ClosedLeases {
  /** Whose jobs have all come to an end that the database knows. */
  readonly closed: readonly Id[]
  /** The others. */
  readonly doubtful: readonly Id[]
}
