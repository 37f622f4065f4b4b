import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob, statusOf } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { only, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

const error = { name: 'TypeError', message: 'it broke', stack: 'at …', cause: 'Error: deeper' }

async function attempts(id: string): Promise<Record<string, unknown>[]> {
  return await database().query('select * from jobtable.job_attempt where job = $1 order by n', [
    id,
  ])
}

async function result(id: string): Promise<unknown> {
  const [row] = await database().query('select value from jobtable.job_result where job = $1', [id])
  return row?.['value']
}

describe('an outcome', () => {
  test('completed ends a job without a row of its attempt', async () => {
    const ticker = await startTicker(database(), 'completed')
    const id = await insertJob(database(), 'completed')
    const job = only(await ticker.claim())
    const answer = await ticker.finish([outcome(job, 'completed')])
    expect(answer).toMatchObject({ locked: [], lost: [] })
    expect(await readJob(database(), id)).toMatchObject({
      status: 'completed',
      attempt: 1,
      finished_at: expect.any(Date),
      failed_at: null,
      status_detail: null,
      worker: ticker.id,
      lease: job.lease,
      holds_key: false,
    })
    expect(await attempts(id)).toEqual([])
    expect(await result(id)).toBeUndefined()
  })

  test.each(['{"sum": 3}', '"text"', '0', 'false', '[]', 'null', '1e300'])(
    'completed with the result %s stores it',
    async (text) => {
      const ticker = await startTicker(database(), 'result')
      const id = await insertJob(database(), 'result')
      const job = only(await ticker.claim())
      await ticker.finish([outcome(job, 'completed', { result: text })])
      expect(await statusOf(database(), id)).toBe('completed')
      const [row] = await database().query(
        'select value = $2::jsonb as same from jobtable.job_result where job = $1',
        [id, text],
      )
      expect(row).toEqual({ same: true })
    },
  )

  test('failed ends a job with its error in job_attempt and a line in status_detail', async () => {
    const ticker = await startTicker(database(), 'failed')
    const id = await insertJob(database(), 'failed')
    const job = only(await ticker.claim())
    await ticker.finish([outcome(job, 'failed', { detail: 'TypeError: it broke', error })])
    const row = await readJob(database(), id)
    expect(row).toMatchObject({ status: 'failed', status_detail: 'TypeError: it broke' })
    expect(row?.['failed_at']).toEqual(row?.['finished_at'])
    expect(await attempts(id)).toEqual([
      {
        job: id,
        n: 1,
        worker: ticker.id,
        started_at: row?.['started_at'],
        finished_at: row?.['finished_at'],
        outcome: 'failed',
        error_name: 'TypeError',
        error_message: 'it broke',
        error_stack: 'at …',
        error_cause: 'Error: deeper',
      },
    ])
  })

  test('cancelled ends a job', async () => {
    const ticker = await startTicker(database(), 'cancelled')
    const id = await insertJob(database(), 'cancelled')
    const job = only(await ticker.claim())
    await ticker.finish([outcome(job, 'cancelled', { detail: 'as asked' })])
    expect(await readJob(database(), id)).toMatchObject({
      status: 'cancelled',
      status_detail: 'as asked',
      failed_at: null,
      finished_at: expect.any(Date),
    })
    expect(only(await attempts(id))).toMatchObject({ n: 1, outcome: 'cancelled' })
  })

  test('released makes a job new again, without charging the attempt', async () => {
    const ticker = await startTicker(database(), 'released')
    const id = await insertJob(database(), 'released', { key: 'k' })
    const job = only(await ticker.claim())
    const answer = await ticker.finish([outcome(job, 'released', { detail: 'worker stopped' })])
    expect(answer).toMatchObject({ locked: [], lost: [] })
    expect(await readJob(database(), id)).toMatchObject({
      status: 'new',
      attempt: 1,
      uncharged: 1,
      status_detail: 'worker stopped',
      queued_at: null,
      started_at: null,
      finished_at: null,
      worker: null,
      lease: null,
      holds_key: true,
    })
    expect(only(await attempts(id))).toMatchObject({ n: 1, outcome: 'released' })
    expect(only(await ticker.claim())).toMatchObject({ id, attempt: 2 })
  })

  test('returned makes a job new again as if it had never started', async () => {
    const ticker = await startTicker(database(), 'returned')
    const id = await insertJob(database(), 'returned', { key: 'k' })
    const before = await readJob(database(), id)
    const answer = await ticker.finish([outcome(only(await ticker.claim()), 'returned')])
    expect(answer).toMatchObject({ locked: [], lost: [] })
    expect(await readJob(database(), id)).toEqual(before)
    expect(await attempts(id)).toEqual([])
    expect(only(await ticker.claim())).toMatchObject({ id, attempt: 1 })
  })

  test.each(['returned', 'released'] as const)(
    '%s leaves told why it failed before',
    async (back) => {
      const type = `broke_then_${back}`
      const ticker = await startTicker(database(), type)
      const id = await insertJob(database(), type, { max_attempts: 2 })
      const detail = 'TypeError: it broke'
      await ticker.finish([outcome(only(await ticker.claim()), 'failed', { detail, delay_ms: 0 })])
      await ticker.finish([outcome(only(await ticker.claim()), back)])
      expect(await readJob(database(), id)).toMatchObject({ status: 'new', status_detail: detail })
    },
  )

  test('returned twice changes nothing, also if the job runs again elsewhere', async () => {
    const ticker = await startTicker(database(), 'returned_twice')
    const id = await insertJob(database(), 'returned_twice')
    const back = outcome(only(await ticker.claim()), 'returned')
    await ticker.finish([back])
    const other = only(await ticker.claim())
    await ticker.finish([back])
    expect(await readJob(database(), id)).toMatchObject({ status: 'started', lease: other.lease })
  })

  test('returned of a job that was asked to stop cancels it', async () => {
    const ticker = await startTicker(database(), 'returned_asked')
    const id = await insertJob(database(), 'returned_asked')
    const job = only(await ticker.claim())
    await database().query('update jobtable.job set cancel_requested = true where id = $1', [id])
    await ticker.finish([outcome(job, 'returned')])
    expect(await readJob(database(), id)).toMatchObject({ status: 'cancelled' })
  })

  test('released of a job that was asked to stop cancels it', async () => {
    const ticker = await startTicker(database(), 'asked')
    const id = await insertJob(database(), 'asked')
    const job = only(await ticker.claim())
    await database().query('update jobtable.job set cancel_requested = true where id = $1', [id])
    await ticker.finish([outcome(job, 'released')])
    expect(await statusOf(database(), id)).toBe('cancelled')
  })

  test('completed of a job that was asked to stop and came to its end all the same stands', async () => {
    const ticker = await startTicker(database(), 'asked_late')
    const id = await insertJob(database(), 'asked_late')
    const job = only(await ticker.claim())
    await database().query('update jobtable.job set cancel_requested = true where id = $1', [id])
    await ticker.finish([outcome(job, 'completed', { result: '1' })])
    expect(await statusOf(database(), id)).toBe('completed')
    expect(await result(id)).toBe(1)
  })
})

describe('sent twice, because an answer was lost,', () => {
  test.each(['completed', 'failed', 'cancelled'] as const)(
    '%s changes nothing, and is neither locked nor lost',
    async (kind) => {
      const ticker = await startTicker(database(), `twice_${kind}`)
      const id = await insertJob(database(), `twice_${kind}`)
      const job = only(await ticker.claim())
      const outcomes = [outcome(job, kind, { error, detail: 'once' })]
      await ticker.finish(outcomes)
      const before = [await readJob(database(), id), await attempts(id)]
      expect(await ticker.finish(outcomes)).toMatchObject({ locked: [], lost: [] })
      expect([await readJob(database(), id), await attempts(id)]).toEqual(before)
    },
  )

  test('released changes nothing, also if the job runs again elsewhere', async () => {
    const ticker = await startTicker(database(), 'twice_released')
    const id = await insertJob(database(), 'twice_released')
    const job = only(await ticker.claim())
    await ticker.finish([outcome(job, 'released')])
    await ticker.finish([outcome(job, 'released')])
    expect(await attempts(id)).toHaveLength(1)
    const again = only(await ticker.claim())
    await ticker.finish([outcome(job, 'released')])
    expect(await readJob(database(), id)).toMatchObject({ status: 'started', lease: again.lease })
    expect(await attempts(id)).toHaveLength(1)
  })

  test('completed after a resubmission does not end the new run', async () => {
    const ticker = await startTicker(database(), 'twice_resubmitted')
    const id = await insertJob(database(), 'twice_resubmitted')
    const job = only(await ticker.claim())
    await ticker.finish([outcome(job, 'completed')])
    await database().query('select jobtable.resubmit($1)', [id])
    expect((await ticker.finish([outcome(job, 'completed')])).lost).toEqual([id])
    only(await ticker.claim())
    expect((await ticker.finish([outcome(job, 'completed')])).lost).toEqual([id])
    expect(await statusOf(database(), id)).toBe('started')
  })
})

describe('under a lease that is not the job’s', () => {
  test.each(['completed', 'failed', 'cancelled', 'released'] as const)(
    '%s is answered as lost and changes nothing',
    async (kind) => {
      const ticker = await startTicker(database(), `lost_${kind}`)
      const id = await insertJob(database(), `lost_${kind}`)
      const job = only(await ticker.claim())
      const before = await readJob(database(), id)
      const stranger = { ...job, lease: String(BigInt(job.lease) ^ 1n) }
      const answer = await ticker.finish([outcome(stranger, kind, { error })])
      expect(answer).toMatchObject({ locked: [], lost: [id] })
      expect(await readJob(database(), id)).toEqual(before)
      expect(await attempts(id)).toEqual([])
    },
  )

  test('of a job that is gone it is answered as lost', async () => {
    const ticker = await startTicker(database(), 'gone')
    const id = await insertJob(database(), 'gone')
    const job = only(await ticker.claim({ slots: 0, prefetch: 1 }))
    await database().query('delete from jobtable.job where id = $1', [id])
    for (const kind of ['completed', 'failed', 'released'] as const) {
      expect(await ticker.finish([outcome(job, kind)])).toMatchObject({ locked: [], lost: [id] })
    }
  })
})

test('many outcomes of all kinds are written in one tick, which also claims', async () => {
  const ticker = await startTicker(database(), 'mixed')
  const ids = await insertJobs(database(), 'mixed', 400)
  const jobs = await ticker.claim()
  const next = await insertJob(database(), 'mixed')
  const kinds = ['completed', 'failed', 'cancelled', 'released'] as const
  const answer = await ticker.tick({
    outcomes: jobs.map((job, index) => outcome(job, kinds[index % 4] ?? 'completed')),
    ranges: ticker.ranges(),
    slots: 1_000,
  })
  expect(answer).toMatchObject({ locked: [], lost: [] })
  const released = ids.filter((_, index) => index % 4 === 3)
  const claimed = answer.claimed.map((job) => job.id)
  expect(claimed.toSorted()).toEqual([next, ...released].toSorted())
  const counts = await database().query(
    `select status, count(*)::int from jobtable.job where type = 'mixed' group by status order by 1`,
  )
  expect(counts).toEqual([
    { status: 'started', count: 101 },
    { status: 'completed', count: 100 },
    { status: 'failed', count: 100 },
    { status: 'cancelled', count: 100 },
  ])
})

test('a tick frees a key before it claims, so that its holder’s end lets the next one in', async () => {
  const ticker = await startTicker(database(), 'key_freed')
  await insertJob(database(), 'key_freed', { key: 'k' })
  const job = only(await ticker.claim())
  await using client = await openSession(database())
  await ticker.finish([outcome(job, 'completed')])
  expect(await insertJob(client, 'key_freed', { key: 'k' })).not.toBe(job.id)
})
