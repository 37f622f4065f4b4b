import { Pool, type PoolConfig } from 'pg'
import { addressOf } from './database.ts'

/** How long a server may take to accept a connection. */
export const CONNECT_TIMEOUT_MS = 10_000
/** A silent line is probed after so long: by itself the system would wait for two hours. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const
/**
 * A tick takes milliseconds, and so does what jobs tell. A statement of either without an answer for so
 * long has lost its connection.
 */
const TICK_TIMEOUT_MS = 10_000
/** Connections for executors' transactions; the dispatcher has its own three. */
const TRANSACTION_POOL_SIZE = 8
/** And for their facets: apart, so that long transactions do not hold up what others tell. */
const FACET_POOL_SIZE = 4

export interface PoolsOptions {
  /** Where the database is; the environment's PG* variables by default. */
  readonly connectionString: string | undefined
  readonly heartbeatMs: number
  /** An idle connection broke. */
  readonly onTrouble: (error: Error) => void
}

/** A worker's connections: apart by what they may have to wait for. */
export class Pools {
  readonly ticks: Pool
  /** A sign of life that does not arrive within its interval is sent again, by another connection. */
  readonly beats: Pool
  /** Retention, proofs of LISTEN: they may wait for locks, and ticks must not wait for them. */
  readonly background: Pool
  /** Progress and log lines, which every job's end waits for. */
  readonly telling: Pool
  readonly facets: Pool
  readonly transactions: Pool

  constructor(options: PoolsOptions) {
    const { heartbeatMs } = options
    this.ticks = newPool(options, { max: 3, query_timeout: TICK_TIMEOUT_MS })
    this.beats = newPool(options, {
      max: 1,
      query_timeout: heartbeatMs,
      connectionTimeoutMillis: heartbeatMs,
    })
    this.background = newPool(options, { max: 2, query_timeout: TICK_TIMEOUT_MS })
    this.telling = newPool(options, { max: 1, query_timeout: TICK_TIMEOUT_MS })
    this.facets = newPool(options, { max: FACET_POOL_SIZE, query_timeout: TICK_TIMEOUT_MS })
    this.transactions = newPool(options, { max: TRANSACTION_POOL_SIZE })
  }

  /** Closes all of them, also a second time. */
  async close(): Promise<void> {
    const { ticks, beats, background, telling, facets, transactions } = this
    const open = [ticks, beats, background, telling, facets, transactions].filter(
      (pool) => !pool.ending,
    )
    await Promise.all(open.map((pool) => pool.end()))
  }
}

function newPool({ connectionString, onTrouble }: PoolsOptions, config: PoolConfig): Pool {
  const pool = new Pool({
    ...addressOf(connectionString),
    application_name: 'jobtable:worker',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...KEEP_ALIVE,
    ...config,
  })
  // An idle connection that breaks is replaced at its next use; without a listener it would end the
  // process. A pool that is closed forgets its connections before they are; the server may end them
  // first.
  pool.on('error', (error) => {
    if (!pool.ending) onTrouble(error)
  })
  return pool
}
