import type { ClientBase } from 'pg'
import type { Random } from './random.ts'

/** How many of the last jobs clients choose from when they steer one. */
const RECENT = 400

/** What a client was told has happened. */
type Deed = 'insert' | 'delete'

/**
 * What the clients were told, kept outside the database: had the server forgotten a commit, it would
 * have forgotten its own record of it as well.
 */
export class Ledger {
  readonly #told: Readonly<Record<Deed, string[]>> = { insert: [], delete: [] }

  add(deed: Deed, ids: readonly string[]): void {
    this.#told[deed].push(...ids)
  }

  get inserted(): number {
    return this.#told.insert.length
  }

  /** One of the last jobs that were inserted; undefined while there is none. */
  recent(random: Random): string | undefined {
    const { insert } = this.#told
    return insert.at(-random.integer(1, Math.min(RECENT, Math.max(1, insert.length))))
  }

  /** Writes it beside what the database says. */
  async save(client: Pick<ClientBase, 'query'>): Promise<void> {
    for (const [what, ids] of Object.entries(this.#told)) {
      await client.query(
        'insert into chaos.acknowledged (job, what) select unnest($1::bigint[]), $2',
        [ids, what],
      )
    }
  }
}
