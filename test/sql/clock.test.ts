import { beforeAll, describe, expect, test } from 'vitest'
import * as running from '../../src/queries/running.ts'
import * as queries from '../../src/queries/worker.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob, readJob } from '../support/job.ts'
import { openSession, type Session } from '../support/session.ts'
import { beatOf, only, outcome, startTicker, type Ticker } from '../support/ticker.ts'

const database = useDatabase()

const TIME = new Date('2031-02-03T04:05:06.789Z')

let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), 'timed')
})

/** A session whose queue believes that it is another time. */
async function timeTraveller(time: Date = TIME): Promise<Session> {
  const session = await openSession(database())
  await session.query(`select set_config('jobtable.now', $1, false)`, [time.toISOString()])
  return session
}

test('every time that the queue writes follows the setting jobtable.now', async () => {
  await using session = await timeTraveller()
  const id = await insertJob(session, 'timed')
  const job = only(await ticker.claim({ session }))
  await running.writeProgress(session.client, [
    { id, lease: job.lease, fraction: 0.5, stage: undefined, message: undefined },
  ])
  await running.writeLogs(session.client, [
    { id, lease: job.lease, ageMs: 0, level: 'info', message: 'now', fields: undefined },
  ])
  const error = { name: 'E', message: 'm' }
  await ticker.finish([outcome(job, 'failed', { error })], session)
  expect(await readJob(database(), id)).toMatchObject({
    created_at: TIME,
    run_at: TIME,
    queued_at: TIME,
    started_at: TIME,
    finished_at: TIME,
    failed_at: TIME,
  })
  const [times] = await database().query(
    `select
       (select updated_at from jobtable.job_progress where job = $1) as progress,
       (select at from jobtable.job_log where job = $1) as log,
       (select started_at from jobtable.job_attempt where job = $1) as attempt_started,
       (select finished_at from jobtable.job_attempt where job = $1) as attempt_finished,
       (select at from jobtable_internal.finished where $1 = any (ids)) as finished,
       (select claimed_at from jobtable_internal.claim where lease = $2) as claimed`,
    [id, job.lease],
  )
  expect(times).toEqual({
    progress: TIME,
    log: TIME,
    attempt_started: TIME,
    attempt_finished: TIME,
    finished: TIME,
    claimed: TIME,
  })
})

test('resubmission, queueing and completion in a transaction follow it too', async () => {
  await using session = await timeTraveller()
  const id = await insertJob(session, 'timed')
  const queued = await ticker.claim({ slots: 0, prefetch: 1, session })
  expect(await readJob(database(), id)).toMatchObject({ queued_at: TIME, started_at: null })
  await ticker.begin(queued, session)
  expect(await readJob(database(), id)).toMatchObject({ started_at: TIME })
  await running.complete(session.client, only(queued), undefined)
  expect(await readJob(database(), id)).toMatchObject({ finished_at: TIME })
  await using later = await timeTraveller(new Date('2032-01-01T00:00:00Z'))
  await later.query('select jobtable.resubmit($1)', [id])
  expect(await readJob(database(), id)).toMatchObject({
    created_at: TIME,
    run_at: new Date('2032-01-01T00:00:00Z'),
  })
  await database().query('delete from jobtable.job where id = $1', [id])
})

test('a worker’s times follow it', async () => {
  await using session = await timeTraveller()
  const id = await queries.startWorker(session.client, {
    host: 'h',
    pid: 1,
    version: '0',
    types: [],
    limits: [],
    capacity: 1,
    heartbeatMs: 2_000,
    leaseMs: 6_000,
  })
  const row = async (): Promise<unknown> =>
    (
      await database().query(
        'select started_at, seen_at, stopped_at from jobtable.worker where id = $1',
        [id],
      )
    )[0]
  expect(await row()).toEqual({ started_at: TIME, seen_at: TIME, stopped_at: null })
  const later = new Date('2031-02-03T04:05:10Z')
  await using session2 = await timeTraveller(later)
  await beatOf(session2.client, id)
  expect(await row()).toEqual({ started_at: TIME, seen_at: later, stopped_at: null })
  await queries.stopWorker(session2.client, id)
  expect(await row()).toEqual({ started_at: TIME, seen_at: later, stopped_at: later })
})

test('a type’s times follow it', async () => {
  await using session = await timeTraveller()
  await session.query(`insert into jobtable.job_type (name) values ('dated')`)
  const rows = await database().query(
    `select created_at, updated_at from jobtable.job_type where name = 'dated'`,
  )
  expect(rows).toEqual([{ created_at: TIME, updated_at: TIME }])
})

describe('without the setting', () => {
  test('defaults are the start of the transaction, what the queue writes is the wall clock', async () => {
    await using session = await openSession(database())
    await session.query('begin')
    const [row] = await session.query(
      `select jobtable_internal.transaction_clock() = now() as is_transaction,
         jobtable_internal.clock() between statement_timestamp() and clock_timestamp() as is_wall`,
    )
    expect(row).toEqual({ is_transaction: true, is_wall: true })
  })

  test('an empty one is none, as it is after a RESET', async () => {
    await using session = await timeTraveller()
    for (const statement of [`set jobtable.now = ''`, 'reset jobtable.now']) {
      await session.query(statement)
      const [row] = await session.query(
        `select jobtable_internal.transaction_clock() = now() as is_transaction`,
      )
      expect(row).toEqual({ is_transaction: true })
    }
  })
})

test('no function of the queue reads another clock', async () => {
  const rows = await database().query(
    `select p.oid::regprocedure::text as function
     from pg_proc p
     where p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
       and p.prosrc ~* '\\m(now\\(\\)|current_timestamp|localtimestamp|statement_timestamp)'
       -- The guard asks the right clock where this one does not tell the time of the row.
       and p.proname not in ('record_installation', 'job_guard_insert')
     order by 1`,
  )
  expect(rows).toEqual([])
})
