import type { Pool, PoolClient } from 'pg'
import { withRetry } from './backoff.ts'
import { fromDatabase, isTransient } from './errors.ts'
import type { Transaction } from './executor.ts'
import type { HandedJob } from './queries/tick.ts'
import { complete, wasCompleted } from './queries/worker.ts'

/**
 * Runs `work` in a transaction whose last statement completes the job. If the answer to COMMIT is
 * lost, the job's row tells whether it happened; the work is never run again for that.
 */
export async function completeWith<T>(
  pool: Pool,
  job: HandedJob,
  work: (transaction: Transaction) => Promise<T>,
  resultText: (value: T) => string | undefined,
  signal: AbortSignal,
): Promise<T> {
  // Nothing has been sent yet: waiting for a connection that others use is no failure.
  const client = await withRetry(async () => await pool.connect(), signal)
  let broken: Error | undefined
  // A client that is checked out tells of a lost connection by an event that kills the process if
  // nobody listens; the statement that meets it fails as well.
  const onError = (error: Error): void => {
    broken = error
  }
  client.on('error', onError)
  try {
    await client.query('begin')
    const value = await work({ query: client.query.bind(client) })
    await complete(client, job, resultText(value))
    await commit(client, pool, job)
    return value
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    throw fromDatabase(error)
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function commit(client: PoolClient, pool: Pool, job: HandedJob): Promise<void> {
  try {
    const { command } = await client.query('commit')
    // COMMIT of a transaction that an error has spoiled answers ROLLBACK.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back by an earlier error')
  } catch (error) {
    if (!isTransient(error) || !(await wasCompleted(pool, job))) throw error
  }
}
