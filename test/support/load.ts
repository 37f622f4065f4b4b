import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Database } from './database.ts'

const PAUSE_MS = 50
/** A statement that takes longer has lost its connection. */
const TIMEOUT_MS = 5_000

/** A client that goes on inserting jobs, a few at a time, whatever happens to the server. */
export interface Load extends AsyncDisposable {
  /** The jobs whose INSERT the server has confirmed. */
  readonly accepted: readonly string[]
  /** How many INSERTs have failed: some of them may have happened. */
  readonly failures: number
  stop(): Promise<void>
}

/** Inserts about twenty times `batch` jobs a second. */
export function startLoad({ url }: Database, type: string, batch: number): Load {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'jobtable-test load',
    max: 1,
    query_timeout: TIMEOUT_MS,
    connectionTimeoutMillis: TIMEOUT_MS,
  })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const stopping = new AbortController()
  const accepted: string[] = []
  let failures = 0
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const { rows } = await pool.query<{ id: string }>(
          'insert into jobtable.job (type) select $1 from generate_series(1, $2::integer) returning id',
          [type, batch],
        )
        accepted.push(...rows.map(({ id }) => id))
      } catch {
        failures += 1
      }
      await delay(PAUSE_MS)
    }
    await pool.end()
  })()
  const stop = async (): Promise<void> => {
    stopping.abort()
    await running
  }
  return {
    accepted,
    get failures() {
      return failures
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
