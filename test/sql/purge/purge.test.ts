import { beforeEach, describe, expect, test } from 'vitest'
import * as maintenance from '../../../src/queries/maintenance.ts'
import * as registration from '../../../src/queries/registration.ts'
import * as running from '../../../src/queries/running.ts'
import { adopt } from '../../../src/queries/tick.ts'
import { useDatabase } from '../../support/database.ts'
import { FINAL_STATUSES, insertJob, insertJobs, readJob, statusOf } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { bring, drawLease, insertJobIn, only, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

beforeEach(async () => {
  await database().query('delete from jobtable.job')
  await database().query('delete from jobtable_internal.finished')
})

/** Makes a type known; null keeps its jobs for ever. */
async function addType(
  name: string,
  retention: string | null,
  failedRetention: string | null,
): Promise<void> {
  const retentions = { retention, failed_retention: failedRetention }
  await registration.registerType(database().pool, name, retentions)
}

/** Purges as of some time from now, and answers how many jobs went. */
async function purgeIn(time: string, limit = 1_000): Promise<number> {
  await using session = await openSession(database())
  await session.query(`select set_config('jobtable.now', (now() + $1::interval)::text, false)`, [
    time,
  ])
  return await maintenance.purge(session.client, limit)
}

async function finishedLists(): Promise<number> {
  const [row] = await database().query(
    'select count(*)::int as count from jobtable_internal.finished',
  )
  return Number(row?.['count'])
}

describe('a finished job', () => {
  test.each(FINAL_STATUSES)(
    'that %s is removed after its retention, not before',
    async (status) => {
      const type = `after_${status}`
      await addType(type, '1 hour', '1 hour')
      const ticker = await startTicker(database(), type)
      const id = await insertJobIn(database(), ticker, status, type)
      expect(await purgeIn('59 minutes')).toBe(0)
      expect(await statusOf(database(), id)).toBe(status)
      expect(await purgeIn('61 minutes')).toBe(1)
      expect(await readJob(database(), id)).toBeUndefined()
      expect(await finishedLists()).toBe(0)
    },
  )

  test('that failed has a retention of its own', async () => {
    await addType('apart', '1 hour', '1 week')
    const ticker = await startTicker(database(), 'apart')
    const failed = await insertJobIn(database(), ticker, 'failed', 'apart')
    const completed = await insertJobIn(database(), ticker, 'completed', 'apart')
    const cancelled = await insertJobIn(database(), ticker, 'cancelled', 'apart')
    expect(await purgeIn('2 hours')).toBe(2)
    expect(await readJob(database(), completed)).toBeUndefined()
    expect(await readJob(database(), cancelled)).toBeUndefined()
    expect(await statusOf(database(), failed)).toBe('failed')
    expect(await purgeIn('8 days')).toBe(1)
  })

  test('is kept for ever where the retention is null', async () => {
    await addType('kept', null, null)
    await addType('half_kept', null, '1 hour')
    for (const type of ['kept', 'half_kept']) {
      const ticker = await startTicker(database(), type)
      for (const status of FINAL_STATUSES) await insertJobIn(database(), ticker, status, type)
    }
    expect(await purgeIn('100 years')).toBe(1)
    const left = await database().query(
      `select type, status from jobtable.job order by type, status`,
    )
    expect(left).toEqual([
      { type: 'half_kept', status: 'completed' },
      { type: 'half_kept', status: 'cancelled' },
      { type: 'kept', status: 'completed' },
      { type: 'kept', status: 'failed' },
      { type: 'kept', status: 'cancelled' },
    ])
  })

  test('is kept for three days by default', async () => {
    const ticker = await startTicker(database(), 'default')
    await insertJobIn(database(), ticker, 'completed', 'default')
    expect(await purgeIn('71 hours')).toBe(0)
    expect(await purgeIn('73 hours')).toBe(1)
  })

  test('of a retention of zero is removed at the next purge', async () => {
    await addType('at_once', '0', '0')
    const ticker = await startTicker(database(), 'at_once')
    await insertJobIn(database(), ticker, 'completed', 'at_once')
    expect(await purgeIn('1 second')).toBe(1)
  })

  test('follows a retention that was changed later', async () => {
    await addType('changed', null, null)
    const ticker = await startTicker(database(), 'changed')
    await insertJobIn(database(), ticker, 'completed', 'changed')
    expect(await purgeIn('1 year')).toBe(0)
    await database().query(
      `update jobtable.job_type set retention = '1 day' where name = 'changed'`,
    )
    expect(await purgeIn('1 year')).toBe(1)
  })

  test('that was completed in its executor’s transaction is removed too', async () => {
    await addType('own', '1 hour', null)
    const ticker = await startTicker(database(), 'own')
    await insertJob(database(), 'own')
    await running.complete(database().pool, only(await ticker.claim()), undefined)
    expect(await purgeIn('2 hours')).toBe(1)
  })

  test('takes its facets with it', async () => {
    await addType('facets', '1 hour', '1 hour')
    await database().query(`
      create table purge_note (job bigint primary key references jobtable.job (id) on delete cascade)`)
    const ticker = await startTicker(database(), 'facets')
    const id = await insertJobIn(database(), ticker, 'failed', 'facets')
    await database().query(`insert into purge_note values (${id})`)
    await database().query(`insert into jobtable.job_progress (job, fraction) values (${id}, 1)`)
    await purgeIn('2 hours')
    for (const facet of ['jobtable.job_attempt', 'jobtable.job_progress', 'purge_note']) {
      expect(await database().query(`select from ${facet}`)).toEqual([])
    }
  })
})

describe('is not removed', () => {
  test.each(['new', 'queued', 'started'] as const)('a job that is %s', async (status) => {
    const type = `unfinished_${status}`
    await addType(type, '0', '0')
    const ticker = await startTicker(database(), type)
    const id = await insertJob(database(), type)
    await bring(database(), ticker, status, id)
    expect(await purgeIn('1 year')).toBe(0)
    expect(await statusOf(database(), id)).toBe(status)
    await database().query(
      `update jobtable.job set cancel_requested = true where status = 'started'`,
    )
    await database().query(
      `begin; set local jobtable.writer = 'queue';
       update jobtable.job set status = 'cancelled' where status = 'started'; commit`,
    )
  })

  test('a job that was resubmitted, before its new run’s own retention is over', async () => {
    await addType('again', '1 hour', '1 hour')
    const ticker = await startTicker(database(), 'again')
    const id = await insertJobIn(database(), ticker, 'completed', 'again')
    await database().query('select jobtable.resubmit($1)', [id])
    expect(await purgeIn('2 hours')).toBe(0)
    await using session = await openSession(database())
    await session.query(
      `select set_config('jobtable.now', (now() + interval '3 hours')::text, false)`,
    )
    const job = only(await ticker.claim({ session }))
    await ticker.finish([outcome(job, 'completed')], session)
    expect(await purgeIn('3 hours 59 minutes')).toBe(0)
    expect(await statusOf(database(), id)).toBe('completed')
    expect(await purgeIn('4 hours 1 minute')).toBe(1)
    expect(await finishedLists()).toBe(0)
  })

  test('a job that a client has locked; it is the next time', async () => {
    await addType('locked', '1 hour', '1 hour')
    const ticker = await startTicker(database(), 'locked')
    const ids = await insertJobs(database(), 'locked', 5)
    await ticker.finish((await ticker.claim()).map((job) => outcome(job, 'completed')))
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = $1 for share', [ids[2]])
    expect(await purgeIn('2 hours')).toBe(4)
    expect(await statusOf(database(), String(ids[2]))).toBe('completed')
    expect(await finishedLists()).toBe(1)
    await client.query('commit')
    expect(await purgeIn('2 hours')).toBe(1)
    expect(await finishedLists()).toBe(0)
  })

  test('a list of jobs with one whose facet a client is writing; the other lists go', async () => {
    await addType('facet_held', '1 hour', '1 hour')
    const ticker = await startTicker(database(), 'facet_held')
    const ids: string[] = []
    for (let n = 0; n < 3; n += 1) {
      ids.push(await insertJobIn(database(), ticker, 'completed', 'facet_held'))
    }
    await database().query(
      'insert into jobtable.job_progress (job, fraction) select id, 1 from jobtable.job',
    )
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(`update jobtable.job_progress set stage = 'held' where job = $1`, [ids[1]])
    expect(await purgeIn('2 hours')).toBe(2)
    await client.query('rollback')
    expect(await purgeIn('2 hours')).toBe(1)
  })
})

test('a purge is limited, and goes on where it stopped', async () => {
  await addType('limited', '1 hour', '1 hour')
  const ticker = await startTicker(database(), 'limited')
  for (let n = 0; n < 5; n += 1) {
    await insertJobs(database(), 'limited', 10)
    await ticker.finish((await ticker.claim()).map((job) => outcome(job, 'completed')))
  }
  expect(await purgeIn('2 hours', 20)).toBe(20)
  expect(await purgeIn('2 hours', 15)).toBe(20)
  expect(await purgeIn('2 hours', 20)).toBe(10)
  expect(await purgeIn('2 hours', 20)).toBe(0)
})

test('a job that a client deleted leaves its list to the purge', async () => {
  await addType('deleted', '1 hour', '1 hour')
  const ticker = await startTicker(database(), 'deleted')
  await insertJobIn(database(), ticker, 'completed', 'deleted')
  await database().query('delete from jobtable.job')
  expect(await purgeIn('2 hours')).toBe(0)
  expect(await finishedLists()).toBe(0)
})

test('two purges at a time neither wait for one another nor remove a job twice', async () => {
  await addType('two', '1 hour', '1 hour')
  const ticker = await startTicker(database(), 'two')
  for (let n = 0; n < 8; n += 1) {
    await insertJobs(database(), 'two', 5)
    await ticker.finish((await ticker.claim()).map((job) => outcome(job, 'completed')))
  }
  await using first = await openSession(database())
  await using second = await openSession(database())
  const counts: number[] = []
  for (const session of [first, second]) {
    await session.query('begin')
    await session.query(
      `select set_config('jobtable.now', (now() + interval '2 hours')::text, false)`,
    )
    counts.push(await maintenance.purge(session.client, 5))
  }
  await first.query('commit')
  await second.query('commit')
  counts.push(await purgeIn('2 hours'))
  expect(counts).toEqual([5, 5, 30])
})

test('workers that are long gone are removed, but for those that have asked what they hold', async () => {
  await addType('gone', '1 hour', '1 hour')
  const [gone, asking] = [
    await startTicker(database(), 'gone'),
    await startTicker(database(), 'gone'),
  ]
  await insertJobIn(database(), gone, 'completed', 'gone')
  await database().query('delete from jobtable_internal.claim')
  await database().query('update jobtable.worker set stopped_at = now(), settled_at = now()')
  await adopt(database().pool, asking.id, drawLease())
  expect(await purgeIn('4 days')).toBe(1)
  expect(await database().query('select id from jobtable.worker')).toEqual([{ id: asking.id }])
})
