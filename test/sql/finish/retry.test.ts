import { describe, expect, test } from 'vitest'
import type { HandedJob } from '../../../src/queries/tick.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, readJob } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { only, outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

const error = { name: 'TypeError', message: 'it broke' }

/** Starts the only job of a type anew, whenever it is due. */
async function begin(ticker: Ticker, id: string): Promise<HandedJob> {
  await database().query("update jobtable.job set run_at = '2001-01-01' where id = $1", [id])
  return only(await ticker.claim())
}

async function attempts(id: string): Promise<Record<string, unknown>[]> {
  return await database().query(
    'select n, outcome, error_name from jobtable.job_attempt where job = $1 order by n',
    [id],
  )
}

/** How long a new job rests, in seconds. */
async function restOf(id: string): Promise<number> {
  const [row] = await database().query<{ rest: string }>(
    `select extract(epoch from j.run_at - a.finished_at) as rest
     from jobtable.job j join jobtable.job_attempt a on a.job = j.id
     where j.id = $1 and j.status = 'new'
     order by a.n desc limit 1`,
    [id],
  )
  return Number(row?.rest)
}

describe('an attempt that failed', () => {
  test('is followed by another while attempts are left, and each has its row', async () => {
    const ticker = await startTicker(database(), 'again')
    const id = await insertJob(database(), 'again', { max_attempts: 3, key: 'k' })
    for (const n of [1, 2]) {
      const job = await begin(ticker, id)
      expect(job.attempt).toBe(n)
      await ticker.finish([outcome(job, 'failed', { detail: 'TypeError: it broke', error })])
      expect(await readJob(database(), id)).toMatchObject({
        status: 'new',
        attempt: n,
        status_detail: 'TypeError: it broke',
        started_at: null,
        finished_at: null,
        worker: null,
        lease: null,
        holds_key: true,
      })
    }
    await ticker.finish([outcome(await begin(ticker, id), 'failed', { error })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'failed', attempt: 3 })
    expect(await attempts(id)).toEqual(
      [1, 2, 3].map((n) => ({ n, outcome: 'failed', error_name: 'TypeError' })),
    )
  })

  test('is the last one if its type says so, and the job nothing', async () => {
    const ticker = await startTicker(database(), 'of_type')
    await database().query("update jobtable.job_type set max_attempts = 2 where name = 'of_type'")
    const id = await insertJob(database(), 'of_type')
    await ticker.finish([outcome(await begin(ticker, id), 'failed', { error })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'new' })
    await ticker.finish([outcome(await begin(ticker, id), 'failed', { error })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'failed' })
  })

  test('is the last one if no other would help', async () => {
    const ticker = await startTicker(database(), 'permanent')
    const id = await insertJob(database(), 'permanent', { max_attempts: 5 })
    const job = await begin(ticker, id)
    await ticker.finish([outcome(job, 'failed', { error, permanent: true })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'failed', attempt: 1 })
  })

  test('that was sent twice, since its answer was lost, is one attempt', async () => {
    const ticker = await startTicker(database(), 'twice')
    const id = await insertJob(database(), 'twice', { max_attempts: 5 })
    const failed = outcome(await begin(ticker, id), 'failed', { error })
    await ticker.finish([failed])
    expect((await ticker.finish([failed])).lost).toEqual([id])
    expect(await readJob(database(), id)).toMatchObject({ status: 'new', attempt: 1 })
    expect(await attempts(id)).toHaveLength(1)
  })

  test('of a job that was asked to stop is not followed by another: cancelled', async () => {
    const ticker = await startTicker(database(), 'asked')
    const id = await insertJob(database(), 'asked', { max_attempts: 5 })
    const job = await begin(ticker, id)
    await database().query('select jobtable.cancel($1)', [id])
    await ticker.finish([outcome(job, 'failed', { error })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'cancelled' })
    expect(await attempts(id)).toMatchObject([{ outcome: 'cancelled' }])
  })

  test('that timed out is told as such, and followed by another likewise', async () => {
    const ticker = await startTicker(database(), 'slow')
    const id = await insertJob(database(), 'slow', { max_attempts: 2 })
    await ticker.finish([outcome(await begin(ticker, id), 'timed_out', { error })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'new' })
    await ticker.finish([outcome(await begin(ticker, id), 'timed_out', { error })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'failed' })
    expect((await attempts(id)).map((row) => row['outcome'])).toEqual(['timed_out', 'timed_out'])
  })
})

describe('the rest between attempts', () => {
  const delays = async (type: string, settings: string, count: number): Promise<number[]> => {
    const ticker = await startTicker(database(), type)
    await database().query(`update jobtable.job_type set ${settings} where name = $1`, [type])
    const id = await insertJob(database(), type, { max_attempts: 100 })
    const rests: number[] = []
    while (rests.length < count) {
      await ticker.finish([outcome(await begin(ticker, id), 'failed', { error })])
      rests.push(await restOf(id))
    }
    return rests
  }

  test('doubles up to the limit', async () => {
    const settings = "backoff_delay = '3 s', backoff_limit = '20 s', backoff_jitter = 0"
    expect(await delays('doubling', settings, 5)).toEqual([3, 6, 12, 20, 20])
  })

  test('stays as it is if it is fixed', async () => {
    const settings = "backoff = 'fixed', backoff_delay = '7 s', backoff_jitter = 0"
    expect(await delays('fixed', settings, 3)).toEqual([7, 7, 7])
  })

  test('is longer or shorter by a random share', async () => {
    const settings = "backoff = 'fixed', backoff_delay = '100 s', backoff_jitter = 0.2"
    const rests = await delays('jitter', settings, 8)
    expect(Math.min(...rests)).toBeGreaterThanOrEqual(80)
    expect(Math.max(...rests)).toBeLessThanOrEqual(120)
    expect(new Set(rests).size).toBeGreaterThan(1)
  })

  test('is what the error says, if it does', async () => {
    const ticker = await startTicker(database(), 'retry_after')
    const id = await insertJob(database(), 'retry_after', { max_attempts: 2 })
    const job = await begin(ticker, id)
    await ticker.finish([outcome(job, 'failed', { error, delay_ms: 90_000 })])
    expect(await restOf(id)).toBe(90)
    expect(await ticker.claim()).toEqual([])
    await using session = await openSession(database())
    await session.query("select set_config('jobtable.now', (now() + '91 s')::text, false)")
    const { claimed } = await ticker.tick({ ranges: ticker.ranges(), slots: 1 }, session)
    expect(claimed.map((again) => again.id)).toEqual([id])
  })

  test('begins anew after a resubmission', async () => {
    const ticker = await startTicker(database(), 'anew')
    await database().query(
      "update jobtable.job_type set backoff_delay = '4 s', backoff_jitter = 0 where name = 'anew'",
    )
    const id = await insertJob(database(), 'anew', { max_attempts: 2 })
    const fail = async (): Promise<void> => {
      await ticker.finish([outcome(await begin(ticker, id), 'failed', { error })])
    }
    await fail()
    expect(await restOf(id)).toBe(4)
    await fail()
    await database().query('select jobtable.resubmit($1)', [id])
    await fail()
    expect(await restOf(id)).toBe(4)
    expect(await readJob(database(), id)).toMatchObject({ attempt: 3, uncharged: 2 })
  })
})

describe('a snooze', () => {
  test('is no attempt: it leaves no row, and may go on for ever', async () => {
    const ticker = await startTicker(database(), 'snoozing')
    const id = await insertJob(database(), 'snoozing')
    for (let n = 0; n < 3; n += 1) {
      const job = await begin(ticker, id)
      expect(job.attempt).toBe(1)
      await ticker.finish([outcome(job, 'snoozed', { detail: 'not yet', delay_ms: 60_000 })])
      const row = await readJob(database(), id)
      expect(row).toMatchObject({
        status: 'new',
        attempt: 0,
        uncharged: 0,
        status_detail: 'not yet',
      })
      const [due] = await database().query(
        "select run_at between now() + '55 s' and now() + '60 s' as later from jobtable.job where id = $1",
        [id],
      )
      expect(due).toEqual({ later: true })
    }
    expect(await attempts(id)).toEqual([])
  })

  test('of a job that was asked to stop cancels it', async () => {
    const ticker = await startTicker(database(), 'snooze_asked')
    const id = await insertJob(database(), 'snooze_asked')
    const job = await begin(ticker, id)
    await database().query('update jobtable.job set cancel_requested = true where id = $1', [id])
    await ticker.finish([outcome(job, 'snoozed', { delay_ms: 60_000 })])
    expect(await readJob(database(), id)).toMatchObject({ status: 'cancelled' })
  })
})
