import { describe, expect, test } from 'vitest'
import * as maintenance from '../../src/queries/maintenance.ts'
import * as queries from '../../src/queries/worker.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob, insertJobs } from '../support/job.ts'
import { openSession } from '../support/session.ts'
import { beatOf, only, outcome, startTicker } from '../support/ticker.ts'

const database = useDatabase()

async function receipts(worker: string): Promise<string[]> {
  const rows = await database().query<{ lease: string }>(
    'select lease from jobtable_internal.claim where worker = $1 order by lease',
    [worker],
  )
  return rows.map((row) => row.lease)
}

describe('a worker’s sign of life', () => {
  test('tells how much runs, and that it is known', async () => {
    const ticker = await startTicker(database(), 'beating')
    await insertJobs(database(), 'beating', 2)
    const jobs = await ticker.claim()
    const answer = await beatOf(database().pool, ticker.id, { held: jobs })
    expect(answer).toMatchObject({ known: true, wasLost: false, cancels: [] })
    const rows = await database().query('select running from jobtable.worker where id = $1', [
      ticker.id,
    ])
    expect(rows).toEqual([{ running: 2 }])
  })

  test('is answered with the jobs that shall stop, in case a notification was lost', async () => {
    const ticker = await startTicker(database(), 'stopping')
    await insertJobs(database(), 'stopping', 3)
    const jobs = await ticker.claim()
    const asked = jobs[1]?.id ?? ''
    await database().query('select jobtable.cancel($1)', [asked])
    const answer = await beatOf(database().pool, ticker.id, { held: jobs })
    expect(answer.cancels.map(({ id }) => id)).toEqual([asked])
  })

  test('is answered with a no if its row is gone', async () => {
    const ticker = await startTicker(database(), 'unknown')
    await database().query('delete from jobtable.worker where id = $1', [ticker.id])
    const answer = await beatOf(database().pool, ticker.id)
    expect(answer).toMatchObject({ known: false, wasLost: false, cancels: [] })
  })

  test('drops the receipts of leases that are closed, and no others', async () => {
    const ticker = await startTicker(database(), 'receipts')
    const other = await startTicker(database(), 'receipts')
    await insertJobs(database(), 'receipts', 3)
    const first = only(await ticker.claim({ slots: 1 }))
    const second = only(await ticker.claim({ slots: 1 }))
    const foreign = only(await other.claim({ slots: 1 }))
    await ticker.finish([outcome(first, 'completed')])
    const closed = [first.lease, foreign.lease]
    await beatOf(database().pool, ticker.id, { held: [second], closed })
    expect(await receipts(ticker.id)).toEqual([second.lease])
    expect(await receipts(other.id)).toEqual([foreign.lease])
  })
})

describe('a worker’s orderly end', () => {
  test('is written down, and its receipts are dropped', async () => {
    const ticker = await startTicker(database(), 'ended')
    await insertJob(database(), 'ended')
    await ticker.finish([outcome(only(await ticker.claim()), 'completed')])
    await queries.stopWorker(database().pool, ticker.id)
    const rows = await database().query(
      'select running, stopped_at is not null as stopped from jobtable.worker where id = $1',
      [ticker.id],
    )
    expect(rows).toEqual([{ running: 0, stopped: true }])
    expect(await receipts(ticker.id)).toEqual([])
  })

  test('keeps the receipts of jobs that it still holds', async () => {
    const ticker = await startTicker(database(), 'holding')
    await insertJob(database(), 'holding')
    const job = only(await ticker.claim())
    await queries.stopWorker(database().pool, ticker.id)
    expect(await receipts(ticker.id)).toEqual([job.lease])
  })
})

test('rows of workers that stopped, or were lost, are purged three days later', async () => {
  const stopped = await startTicker(database(), 'gone')
  const lost = await startTicker(database(), 'gone')
  const alive = await startTicker(database(), 'gone')
  await queries.stopWorker(database().pool, stopped.id)
  /** As of some time from now the one that lives rescues and purges; answers which are left. */
  const purgeIn = async (time: string): Promise<string[]> => {
    await using session = await openSession(database())
    await session.query(`select set_config('jobtable.now', (now() + $1::interval)::text, false)`, [
      time,
    ])
    const { silent, orphans } = await beatOf(session.client, alive.id)
    for (const worker of silent) {
      await queries.rescue(session.client, worker.id, worker.seen_at, 10)
    }
    for (const id of orphans) await queries.rescue(session.client, id, null, 10)
    await maintenance.purge(session.client, 10)
    const rows = await session.query<{ id: string }>(
      'select id from jobtable.worker where id = any ($1) order by id',
      [[stopped.id, lost.id, alive.id]],
    )
    return rows.map((row) => row.id)
  }
  // After ten minutes nothing of the one that stopped can be on its way any more.
  expect(await purgeIn('11 minutes')).toEqual([stopped.id, lost.id, alive.id])
  // Nor of the one that is lost since then.
  expect(await purgeIn('2 days')).toEqual([stopped.id, lost.id, alive.id])
  expect(await purgeIn('4 days')).toEqual([lost.id, alive.id])
  expect(await purgeIn('6 days')).toEqual([alive.id])
})
