import { type Database, one } from '../database.ts'

/** Removes finished jobs whose retention is over, at most about `limit`, and answers how many. */
export async function purge(database: Database, limit: number): Promise<number> {
  const row = await one<{ count: number }>(
    database,
    'select jobtable_internal.purge($1) as count',
    [limit],
  )
  return row.count
}

/** Removes events of jobs whose retention is over, at most `limit`, and answers how many. */
export async function purgeEvents(database: Database, limit: number): Promise<number> {
  const row = await one<{ count: number }>(
    database,
    'select jobtable_internal.purge_events($1) as count',
    [limit],
  )
  return row.count
}

/** Shortens the list that counts are added up from, if it is long and nobody else is at it. */
export async function foldTally(database: Database): Promise<void> {
  await one(database, 'select jobtable_internal.fold_tally()', [])
}
