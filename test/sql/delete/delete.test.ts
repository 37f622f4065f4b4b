import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob, STATUSES, type Status } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'
import { insertJobIn, only, outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

const TYPE = 'deleted'
let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), TYPE)
})

const remove = 'delete from jobtable.job where id = $1'

const deletable = STATUSES.filter((status) => status !== 'started')

test.each(deletable)('a job that is %s is deleted', async (status) => {
  const id = await insertJobIn(database(), ticker, status, TYPE)
  await database().query(remove, [id])
  expect(await readJob(database(), id)).toBeUndefined()
})

test('a started job is refused by JT006, and goes on', async () => {
  const id = await insertJobIn(database(), ticker, 'started', TYPE)
  const job = await readJob(database(), id)
  const [started] = await database().query(
    'select started_at::text as at from jobtable.job where id = $1',
    [id],
  )
  expect(await refusal(database().query(remove, [id]))).toEqual({
    code: 'JT006',
    message: `job ${id} has started and can no longer be cancelled by DELETE`,
    detail: `Started at ${started?.['at']} by worker ${ticker.id}.`,
    hint: `update jobtable.job set cancel_requested = true where id = ${id}`,
  })
  expect(await readJob(database(), id)).toEqual(job)
})

test('a DELETE of many is refused whole if one of them has started', async () => {
  const [first] = await insertJobs(database(), TYPE, 2)
  only(await ticker.claim({ slots: 1 }))
  const { code } = await refusal(
    database().query('delete from jobtable.job where type = $1', [TYPE]),
  )
  expect(code).toBe('JT006')
  expect(await database().query(`select from jobtable.job where status = 'new'`)).toHaveLength(1)
  await database().query(`delete from jobtable.job where status = 'new'`)
  expect(await readJob(database(), String(first))).toMatchObject({ status: 'started' })
})

test('a deleted job that waited is never handed out, and leaves no entry behind', async () => {
  const [first, second] = await insertJobs(database(), TYPE, 2)
  await database().query(remove, [first])
  expect((await ticker.claim()).map((job) => job.id)).toEqual([second])
  expect(await database().query('select from jobtable_internal.ready')).toEqual([])
})

test('a rolled-back DELETE leaves the job to be run', async () => {
  const id = await insertJob(database(), TYPE)
  await using session = await openSession(database())
  await session.query('begin')
  await session.query('savepoint s')
  await session.query(remove, [id])
  await session.query('rollback to savepoint s')
  await session.query('commit')
  expect(only(await ticker.claim()).id).toBe(id)
})

test('its facets go with it, the built-in ones and those of users', async () => {
  await database().query(`
    create table delete_note (job bigint primary key references jobtable.job (id) on delete cascade)`)
  const id = await insertJob(database(), TYPE)
  const job = only(await ticker.claim())
  await database().query(`
    insert into jobtable.job_progress (job, fraction) values (${id}, 0.5);
    insert into jobtable.job_log (job, attempt, at, level, message)
    values (${id}, 1, now(), 'info', 'hello');
    insert into delete_note values (${id})`)
  await ticker.finish([outcome(job, 'failed', { error: { name: 'E', message: 'm' } })])
  await database().query(remove, [id])
  for (const facet of ['job_progress', 'job_result', 'job_attempt', 'job_log']) {
    expect(await database().query(`select from jobtable.${facet} where job = $1`, [id])).toEqual([])
  }
  expect(await database().query('select from delete_note')).toEqual([])
})

describe('racing a start', () => {
  test('a DELETE that comes first wins: the job is never handed out', async () => {
    const id = await insertJob(database(), TYPE)
    await using session = await openSession(database())
    await session.query('begin')
    await session.query(remove, [id])
    expect(await ticker.claim()).toEqual([])
    await session.query('commit')
    expect(await ticker.claim()).toEqual([])
  })

  test('a DELETE that comes second waits for the start and is refused', async () => {
    const id = await insertJob(database(), TYPE)
    await using worker = await openSession(database())
    await using client = await openSession(database())
    await worker.query('begin')
    const job = only(await ticker.claim({ session: worker }))
    const late = refusal(client.query(remove, [id]))
    await untilBlocked(database(), client)
    await worker.query('commit')
    expect((await late).code).toBe('JT006')
    await ticker.finish([outcome(job, 'completed')])
  })

  test('a DELETE that comes second wins if the start is undone', async () => {
    const id = await insertJob(database(), TYPE)
    await using worker = await openSession(database())
    await using client = await openSession(database())
    await worker.query('begin')
    only(await ticker.claim({ session: worker }))
    const late = client.query(remove, [id])
    await untilBlocked(database(), client)
    await worker.query('rollback')
    await late
    expect(await readJob(database(), id)).toBeUndefined()
    expect(await ticker.claim()).toEqual([])
  })

  test('a DELETE of a queued job that comes second is refused once it has begun', async () => {
    const id = await insertJob(database(), TYPE)
    const queued = await ticker.claim({ slots: 0, prefetch: 1 })
    await using worker = await openSession(database())
    await using client = await openSession(database())
    await worker.query('begin')
    await ticker.begin(queued, worker)
    const late = refusal(client.query(remove, [id]))
    await untilBlocked(database(), client)
    await worker.query('commit')
    expect((await late).code).toBe('JT006')
  })

  test.each(['repeatable read', 'serializable'])(
    'under %s the loser gets 40001 first, and JT006 when it tries again',
    async (level) => {
      const id = await insertJob(database(), TYPE)
      await using client = await openSession(database())
      await client.query(`begin isolation level ${level}`)
      expect(await client.query('select from jobtable.job where id = $1', [id])).toHaveLength(1)
      only(await ticker.claim())
      expect((await refusal(client.query(remove, [id]))).code).toBe('40001')
      await client.query('rollback')
      await client.query(`begin isolation level ${level}`)
      expect((await refusal(client.query(remove, [id]))).code).toBe('JT006')
      await client.query('rollback')
    },
  )
})

const afterwards: readonly Status[] = ['completed', 'failed', 'cancelled']

test.each(afterwards)('a DELETE that waits while its job becomes %s removes it', async (status) => {
  const id = await insertJob(database(), TYPE)
  const job = only(await ticker.claim())
  await using worker = await openSession(database())
  await using client = await openSession(database())
  await worker.query('begin')
  await ticker.finish([outcome(job, status as 'completed' | 'failed' | 'cancelled')], worker)
  const late = client.query(remove, [id])
  await untilBlocked(database(), client)
  await worker.query('commit')
  await late
  expect(await readJob(database(), id)).toBeUndefined()
})
