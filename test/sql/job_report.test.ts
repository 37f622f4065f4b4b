import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../support/database.ts'
import { insertJob, STATUSES, type Status } from '../support/job.ts'
import { openSession } from '../support/session.ts'
import { insertJobIn, only, outcome, startTicker, type Ticker } from '../support/ticker.ts'

const database = useDatabase()

let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), 'reported')
})

async function report(id: string): Promise<Record<string, unknown> | undefined> {
  return (await database().query('select * from jobtable.job_report where id = $1', [id]))[0]
}

test('what a row leaves to its type or to the queue is shown as it counts', async () => {
  await database().query(`update jobtable.job_type set priority = 7 where name = 'reported'`)
  const id = await insertJob(database(), 'reported')
  expect(await report(id)).toMatchObject({
    title: `reported ${id}`,
    priority: 7,
    max_attempts: 1,
    fraction: null,
    result: null,
    error_message: null,
    run_time: null,
    host: null,
  })
  await database().query(`update jobtable.job set priority = 2, title = 'One' where id = $1`, [id])
  expect(await report(id)).toMatchObject({ title: 'One', priority: 2 })
  await database().query('delete from jobtable.job where id = $1', [id])
})

describe('what may be done to a job', () => {
  const flags: Readonly<Record<Status, readonly string[]>> = {
    new: ['can_cancel', 'can_pause'],
    queued: ['can_cancel', 'can_pause'],
    started: ['can_terminate'],
    completed: ['can_resubmit'],
    failed: ['can_resubmit'],
    cancelled: ['can_resubmit'],
  }

  test.each(STATUSES)('that is %s', async (status) => {
    const id = await insertJobIn(database(), ticker, status, 'reported')
    const row = (await report(id)) ?? {}
    const names = Object.keys(row).filter((name) => name.startsWith('can_'))
    expect(names).toHaveLength(4)
    expect(names.filter((name) => row[name] === true)).toEqual(flags[status])
    await database().query(`delete from jobtable.job where status <> 'started'`)
  })

  test('a paused job cannot be paused', async () => {
    const id = await insertJob(database(), 'reported', { paused: true })
    expect(await report(id)).toMatchObject({ can_pause: false, can_cancel: true, paused: true })
  })

  test('a started job that was asked to stop cannot be asked again', async () => {
    const id = await insertJobIn(database(), ticker, 'started', 'reported')
    await database().query('select jobtable.cancel($1)', [id])
    expect(await report(id)).toMatchObject({ can_terminate: false, cancel_requested: true })
  })

  test('a finished job whose key is held cannot be resubmitted', async () => {
    const id = await insertJobIn(database(), ticker, 'completed', 'reported', { key: 'k' })
    expect(await report(id)).toMatchObject({ can_resubmit: true })
    const holder = await insertJob(database(), 'reported', { key: 'k' })
    expect(await report(id)).toMatchObject({ can_resubmit: false })
    await database().query('delete from jobtable.job where id = $1', [holder])
  })
})

test('progress, result, the last error and who runs it stand beside the job, on one row', async () => {
  const id = await insertJob(database(), 'reported')
  await ticker.finish([
    outcome(only(await ticker.claim()), 'failed', { error: { name: 'E1', message: 'first' } }),
  ])
  await database().query('select jobtable.resubmit($1)', [id])
  await ticker.finish([
    outcome(only(await ticker.claim()), 'failed', { error: { name: 'E2', message: 'second' } }),
  ])
  await database().query(
    `insert into jobtable.job_progress (job, fraction, stage, message) values ($1, 0.5, 's', 'm')`,
    [id],
  )
  await database().query(`insert into jobtable.job_result (job, value) values ($1, '{"a": 1}')`, [
    id,
  ])
  expect(await database().query('select * from jobtable.job_report where id = $1', [id])).toEqual([
    expect.objectContaining({
      status: 'failed',
      attempt: 2,
      fraction: 0.5,
      stage: 's',
      message: 'm',
      result: { a: 1 },
      error_name: 'E2',
      error_message: 'second',
      worker: ticker.id,
      host: 'by-hand',
    }),
  ])
})

test('a job that runs again has no detail of the attempt before', async () => {
  const id = await insertJob(database(), 'reported')
  const attempt = only(await ticker.claim())
  await ticker.finish([outcome(attempt, 'released', { detail: 'first' })])
  expect(await report(id)).toMatchObject({ status: 'new', status_detail: 'first' })
  const again = only(await ticker.claim())
  expect(await report(id)).toMatchObject({ status: 'started', attempt: 2, status_detail: null })
  await ticker.finish([outcome(again, 'failed', { detail: 'second' })])
  expect(await report(id)).toMatchObject({ status: 'failed', status_detail: 'second' })
})

test('the times of waiting and running are counted to the end, or to now', async () => {
  await using session = await openSession(database())
  const at = async (time: string): Promise<void> => {
    await session.query(`select set_config('jobtable.now', $1, false)`, [time])
  }
  const times = async (id: string): Promise<unknown> => {
    const [row] = await session.query(
      `select wait_time::text, run_time::text from jobtable.job_report where id = $1`,
      [id],
    )
    return row
  }
  await at('2030-01-01 00:00:00')
  const id = await insertJob(session, 'reported')
  await at('2030-01-01 00:00:05')
  expect(await times(id)).toEqual({ wait_time: '00:00:05', run_time: null })
  const job = only(await ticker.claim({ session }))
  await at('2030-01-01 00:00:12')
  expect(await times(id)).toEqual({ wait_time: '00:00:05', run_time: '00:00:07' })
  await ticker.finish([outcome(job, 'completed')], session)
  await at('2030-01-01 01:00:00')
  expect(await times(id)).toEqual({ wait_time: '00:00:05', run_time: '00:00:07' })
})

test('a job that waits for ever has no time of waiting', async () => {
  const id = await insertJob(database(), 'reported', { run_at: 'infinity' })
  expect(await report(id)).toMatchObject({ wait_time: null, run_time: null, status: 'new' })
})

test('every job has one row', async () => {
  const all = await database().query('select count(*)::int as count from jobtable.job')
  expect(await database().query('select count(*)::int as count from jobtable.job_report')).toEqual(
    all,
  )
})
