import type { QueryConfig } from 'pg'
import type { Database } from '../database.ts'
import { all } from '../database.ts'

/** Beginning a transaction takes no time; without an answer for so long the connection is lost. */
const BEGIN_TIMEOUT_MS = 10_000

/** Lets a session name the queue's tables without their schema. */
export async function useJobtableSchema(database: Database): Promise<void> {
  await all(database, "select set_config('search_path', 'public, jobtable', false)")
}

/** Has this session receive a channel's notifications. The name must be a plain identifier. */
export async function listen(database: Database, channel: string): Promise<void> {
  if (!/^[a-z_][a-z0-9_]*$/.test(channel)) throw new TypeError(`not a channel: ${channel}`)
  await all(database, `listen ${channel}`)
}

/**
 * Begins a transaction of an executor. Until its end the server notices within half a minute, and not
 * after two hours as by default, that this process is gone though nothing told it so (a network cut
 * without a FIN), and in the midst of a statement that it has hung up (but for servers on Windows, which
 * cannot): what the transaction has locked is free again then. Behind a pooler it concerns the pooler.
 */
export async function begin(database: Database): Promise<void> {
  const text = `begin;
     set local tcp_keepalives_idle = 10;
     set local tcp_keepalives_interval = 5;
     set local tcp_keepalives_count = 3;
     select set_config('client_connection_check_interval', '5s', true)
     where version() !~* 'visual c|mingw'`
  // The driver's types leave out that a statement may have a limit of its own.
  const statement: QueryConfig & { readonly query_timeout: number } = {
    text,
    query_timeout: BEGIN_TIMEOUT_MS,
  }
  await database.query(statement)
}
