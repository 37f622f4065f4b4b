import type { Pool } from 'pg'
import { withRetry } from './backoff.ts'
import { fromDatabase, isTransient } from './errors.ts'
import type { Transaction } from './executor.ts'
import { PooledClient } from './pooled-client.ts'
import { complete, wasCompleted } from './queries/running.ts'
import { begin } from './queries/session.ts'
import type { HandedJob } from './queries/tick.ts'

/** What a transaction needs beside its work. */
export interface Completion<T> {
  readonly pool: Pool
  readonly job: Pick<HandedJob, 'id' | 'lease'>
  readonly resultText: (value: T) => string | undefined
  /** Until it fires, a connection is waited for. */
  readonly signal: AbortSignal
  /**
   * When it fires the connection is closed: the executor has not ended although it was asked to. Until
   * then the answer to a COMMIT is looked up.
   */
  readonly killed: AbortSignal
}

/** A connection in a transaction of its own. */
async function checkOutBegun(pool: Pool): Promise<PooledClient> {
  const pooled = await PooledClient.checkOut(pool)
  try {
    await begin(pooled.client)
    return pooled
  } catch (error) {
    pooled.break(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/**
 * Runs `work` in a transaction whose last statement completes the job. If the answer to COMMIT is
 * lost, the job's row tells whether it happened; the work is never run again for that.
 */
export async function completeWith<T>(
  { pool, job, resultText, signal, killed }: Completion<T>,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  // Nothing has happened yet: waiting for a connection, or meeting one that is lost, is no failure.
  using pooled = await withRetry(async () => await checkOutBegun(pool), signal)
  const { client } = pooled
  const kill = (): void => pooled.break(new Error('the transaction was given up'))
  killed.addEventListener('abort', kill)
  try {
    killed.throwIfAborted()
    const value = await work({ query: client.query.bind(client) })
    await complete(client, job, resultText(value))
    try {
      const { command } = await client.query('commit')
      // COMMIT of a transaction that an error has spoiled answers ROLLBACK.
      if (command !== 'COMMIT') throw new Error('an earlier error has rolled the transaction back')
    } catch (error) {
      if (!isTransient(error)) throw error
      const happened = await withRetry(async () => await wasCompleted(pool, job), killed)
      if (!happened) throw error
    }
    return value
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => pooled.break(failure))
    throw fromDatabase(error)
  } finally {
    killed.removeEventListener('abort', kill)
  }
}
