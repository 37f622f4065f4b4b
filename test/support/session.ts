import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Database, TEST_APPLICATION } from './database.ts'

/** A statement that waits longer has met a lock that it should have passed over. */
const STATEMENT_TIMEOUT_MS = 10_000

const PATIENCE_MS = 20_000

/** A connection of its own, for tests that need two transactions at once. Closed with its scope. */
export interface Session extends AsyncDisposable {
  readonly pid: number
  readonly client: pg.Client
  /** Runs a statement and returns its rows. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
}

/** Opens a session as the tests' role. What it leaves open is rolled back when its scope ends. */
export async function openSession(database: Database): Promise<Session> {
  const client = new pg.Client({
    connectionString: database.url,
    application_name: TEST_APPLICATION,
    statement_timeout: STATEMENT_TIMEOUT_MS,
  })
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return {
    pid: rows[0]?.pid ?? 0,
    client,
    query: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await client.query<Row>(text, [...values])).rows,
    [Symbol.asyncDispose]: async () => await client.end(),
  }
}

/** Waits until a session waits for a lock that another one holds. */
export async function untilBlocked(database: Database, session: Session): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const [row] = await database.query(
      'select cardinality(pg_catalog.pg_blocking_pids($1)) > 0 as blocked',
      [session.pid],
    )
    if (row?.['blocked'] === true) return
    if (Date.now() > deadline) throw new Error(`session ${session.pid} never waited for a lock`)
    await delay(2)
  }
}
