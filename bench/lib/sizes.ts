import type { Figures } from './figures.ts'
import type { BenchDatabase } from './postgres.ts'
import { withClient } from './postgres.ts'

/** What all tables of a database hold that is dead, and what they and their indexes take. */
export async function readSizes(database: BenchDatabase | undefined): Promise<Figures> {
  if (database === undefined) return {}
  return await withClient(database.url, async (client) => {
    const { rows } = await client.query<{ dead: string; bytes: string }>(
      `select sum(n_dead_tup) as dead, sum(pg_total_relation_size(relid)) as bytes
       from pg_stat_user_tables`,
    )
    return { deadTuples: Number(rows[0]?.dead), tableMb: Number(rows[0]?.bytes) / 1024 ** 2 }
  })
}
