import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { entriesOf, insertJob, insertJobs, readJob, statusOf } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, type Session } from '../../support/session.ts'
import { only, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

/** What a client's open transaction may do to a job's row that keeps others from writing it. */
const locks = [
  ['an UPDATE', `update jobtable.job set title = 'held' where id = any ($1)`],
  ['a DELETE', 'delete from jobtable.job where id = any ($1)'],
  ['SELECT … FOR UPDATE', 'select from jobtable.job where id = any ($1) for update'],
  ['SELECT … FOR SHARE', 'select from jobtable.job where id = any ($1) for share'],
] as const

/** The queue's clock, moved past the time at which rows that were passed over are looked at again. */
async function later(): Promise<Session> {
  const session = await openSession(database())
  await session.query(
    `select set_config('jobtable.now', (clock_timestamp() + interval '10 seconds')::text, false)`,
  )
  return session
}

describe.each(locks)('%s in an open transaction', (name, statement) => {
  const type = `locked by ${name}`

  test('stalls no other job, and no claim waits for it', async () => {
    const ticker = await startTicker(database(), type)
    const ids = await insertJobs(database(), type, 300)
    const held = ids.filter((_, index) => index % 3 === 0)
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(statement, [held])
    const claimed = (await ticker.claim()).map((job) => job.id)
    expect(claimed).toEqual(ids.filter((_, index) => index % 3 !== 0))
    expect(await ticker.claim()).toEqual([])
    await client.query('rollback')
    await using next = await later()
    const found = (await ticker.claim({ session: next })).map((job) => job.id)
    expect(found.toSorted()).toEqual(held.toSorted())
  })
})

test('a job that only a foreign key holds (FOR KEY SHARE) is claimed', async () => {
  const ticker = await startTicker(database(), 'key_share')
  const id = await insertJob(database(), 'key_share')
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('insert into jobtable.job_progress (job, fraction) values ($1, 0)', [id])
  expect(only(await ticker.claim()).id).toBe(id)
})

test('a job held for long is looked at again and again, and runs once it is free', async () => {
  const ticker = await startTicker(database(), 'held_long')
  const id = await insertJob(database(), 'held_long')
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('select from jobtable.job where id = $1 for update', [id])
  await using worker = await openSession(database())
  for (let second = 10; second <= 60; second += 10) {
    await worker.query(
      `select set_config('jobtable.now', (now() + interval '${second} seconds')::text, false)`,
    )
    expect(await ticker.claim({ session: worker })).toEqual([])
    const { ready, due } = await entriesOf(database(), id)
    expect([ready.length, due.length]).toEqual([0, 1])
  }
  await client.query('commit')
  await worker.query(
    `select set_config('jobtable.now', (now() + interval '70 seconds')::text, false)`,
  )
  expect(only(await ticker.claim({ session: worker })).id).toBe(id)
})

test('the answer tells when what was passed over is to be looked at again', async () => {
  const ticker = await startTicker(database(), 'again')
  const id = await insertJob(database(), 'again')
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('select from jobtable.job where id = $1 for update', [id])
  await using worker = await later()
  const answer = await ticker.tick({ ranges: ticker.ranges(), slots: 1 }, worker)
  expect(answer).toMatchObject({ claimed: [], more: false, nextDueMs: 200 })
})

test('a claim has patience with the books, which no client locks for long', async () => {
  const ticker = await startTicker(database(), 'booked')
  await insertJobs(database(), 'booked', 2)
  await using session = await openSession(database())
  await session.query(
    `begin; create table patience (patience text);
     create function note() returns trigger language plpgsql as $$ begin
       insert into public.patience values (current_setting('lock_timeout')); return new; end $$;
     create trigger note before insert on jobtable_internal.tally
     for each row when (new.from_status = 'new') execute function note()`,
  )
  expect(await ticker.claim({ session })).toHaveLength(2)
  expect(await session.query('select * from patience')).toEqual([{ patience: '200ms' }])
})

describe('a finish', () => {
  test.each(locks.filter(([name]) => name !== 'a DELETE'))(
    'never waits for %s, and succeeds when it is tried again',
    async (name, statement) => {
      const type = `finished under ${name}`
      const ticker = await startTicker(database(), type)
      const ids = await insertJobs(database(), type, 4)
      const jobs = await ticker.claim()
      const held = ids.slice(0, 2)
      await using client = await openSession(database())
      await client.query('begin')
      await client.query(statement, [held])
      const error = { name: 'E', message: 'm' }
      const outcomes = jobs.map((job, index) =>
        outcome(job, index % 2 === 0 ? 'completed' : 'failed', index % 2 === 0 ? {} : { error }),
      )
      const answer = await ticker.finish(outcomes)
      expect(answer.locked.toSorted()).toEqual(held.toSorted())
      expect(answer.lost).toEqual([])
      await client.query('commit')
      const again = await ticker.finish(outcomes)
      expect([again.locked, again.lost]).toEqual([[], []])
      const statuses = await Promise.all(ids.map(async (id) => await statusOf(database(), id)))
      expect(statuses).toEqual(['completed', 'failed', 'completed', 'failed'])
    },
  )

  test('gives up by 55P03 where a client has locked the whole table', async () => {
    const ticker = await startTicker(database(), 'table_held')
    await insertJobs(database(), 'table_held', 2)
    const outcomes = (await ticker.claim()).map((job) => outcome(job, 'completed'))
    const id = await insertJob(database(), 'table_held')
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('lock table jobtable.job in share mode')
    expect((await refusal(ticker.finish(outcomes))).code).toBe('55P03')
    expect((await refusal(ticker.claim())).code).toBe('55P03')
    await client.query('commit')
    expect(await ticker.finish(outcomes)).toMatchObject({ locked: [], lost: [] })
    expect(await ticker.claim()).toMatchObject([{ id }])
  })

  test('gives up by 55P03 where a client writes the job’s result; others go without it', async () => {
    const ticker = await startTicker(database(), 'result_held')
    const [held, other] = await insertJobs(database(), 'result_held', 2)
    const outcomes = (await ticker.claim()).map((job) => outcome(job, 'completed', { result: '2' }))
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(`insert into jobtable.job_result (job, value) values ($1, '1')`, [held])
    expect((await refusal(ticker.finish(outcomes))).code).toBe('55P03')
    await ticker.finish(outcomes.filter(({ id }) => id === other))
    expect(await statusOf(database(), String(other))).toBe('completed')
    await client.query('commit')
    expect(await ticker.finish(outcomes)).toMatchObject({ locked: [], lost: [] })
    expect(await statusOf(database(), String(held))).toBe('completed')
  })

  test('is not kept from others by a row that a client wrote into job_attempt', async () => {
    const ticker = await startTicker(database(), 'attempt_taken')
    const ids = await insertJobs(database(), 'attempt_taken', 2)
    const jobs = await ticker.claim()
    await database().query(
      `insert into jobtable.job_attempt (job, n, finished_at, outcome)
       values ($1, 1, now(), 'failed')`,
      [ids[0]],
    )
    await ticker.finish(
      jobs.map((job) => outcome(job, 'failed', { error: { name: 'E', message: 'm' } })),
    )
    expect(await readJob(database(), String(ids[1]))).toMatchObject({ status: 'failed' })
  })
})
