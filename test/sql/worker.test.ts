import { describe, expect, test } from 'vitest'
import * as queries from '../../src/queries/worker.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob, insertJobs } from '../support/job.ts'
import { only, outcome, startTicker } from '../support/ticker.ts'

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
    const answer = await queries.beat(database().pool, ticker.id, jobs, [])
    expect(answer).toEqual({ alive: true, cancels: [] })
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
    const answer = await queries.beat(database().pool, ticker.id, jobs, [])
    expect(answer.cancels).toEqual([asked])
  })

  test('is answered with a no if its row is gone', async () => {
    const ticker = await startTicker(database(), 'unknown')
    await database().query('delete from jobtable.worker where id = $1', [ticker.id])
    const answer = await queries.beat(database().pool, ticker.id, [], [])
    expect(answer).toEqual({ alive: false, cancels: [] })
  })

  test('drops the receipts of leases that are closed, and no others', async () => {
    const ticker = await startTicker(database(), 'receipts')
    const other = await startTicker(database(), 'receipts')
    await insertJobs(database(), 'receipts', 3)
    const first = only(await ticker.claim({ slots: 1 }))
    const second = only(await ticker.claim({ slots: 1 }))
    const foreign = only(await other.claim({ slots: 1 }))
    await ticker.finish([outcome(first, 'completed')])
    await queries.beat(database().pool, ticker.id, [second], [first.lease, foreign.lease])
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

test('rows of workers that stopped, or went silent, are purged in time', async () => {
  const stopped = await startTicker(database(), 'gone')
  const silent = await startTicker(database(), 'gone')
  const alive = await startTicker(database(), 'gone')
  await queries.stopWorker(database().pool, stopped.id)
  const purgeIn = async (time: string): Promise<string[]> => {
    const client = await database().pool.connect()
    try {
      await client.query('begin')
      await client.query(`select set_config('jobtable.now', (now() + $1::interval)::text, true)`, [
        time,
      ])
      await queries.beat(client, alive.id, [], [])
      await queries.purge(client, 10)
      await client.query('commit')
    } finally {
      client.release()
    }
    const ids = [stopped.id, silent.id, alive.id]
    const rows = await database().query<{ id: string }>(
      'select id from jobtable.worker where id = any ($1) order by id',
      [ids],
    )
    return rows.map((row) => row.id)
  }
  expect(await purgeIn('2 days')).toEqual([stopped.id, silent.id, alive.id])
  expect(await purgeIn('4 days')).toEqual([silent.id, alive.id])
  expect(await purgeIn('31 days')).toEqual([alive.id])
})
