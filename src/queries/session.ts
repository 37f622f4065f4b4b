import type { Database } from '../database.ts'
import { all } from '../database.ts'

/** Lets a session name the queue's tables without their schema. */
export async function useJobtableSchema(database: Database): Promise<void> {
  await all(database, "select set_config('search_path', 'public, jobtable', false)")
}

/** Has this session receive a channel's notifications. The name must be a plain identifier. */
export async function listen(database: Database, channel: string): Promise<void> {
  if (!/^[a-z_][a-z0-9_]*$/.test(channel)) throw new TypeError(`not a channel: ${channel}`)
  await all(database, `listen ${channel}`)
}
