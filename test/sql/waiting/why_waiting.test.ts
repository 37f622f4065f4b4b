import { describe, expect, test } from 'vitest'
import { buffersOf } from '../../support/buffers.ts'
import { createDatabase, type Database, useDatabase } from '../../support/database.ts'
import {
  addTypes,
  FINAL_STATUSES,
  insertJob,
  insertJobs,
  type Queryable,
} from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { insertJobIn, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

interface Reason {
  readonly reason: string
  readonly detail: string
  readonly until: Date | null
  readonly ahead: string | null
}

const why = async (id: string, of: Queryable = database()): Promise<Reason[]> =>
  await of.query<Reason & Record<string, unknown>>('select * from jobtable.why_waiting($1)', [id])

const reasons = async (id: string): Promise<string[]> => (await why(id)).map(({ reason }) => reason)

/** A type with a live worker that has room. */
async function attended(name: string): Promise<Ticker> {
  return await startTicker(database(), name)
}

describe('the reason is', () => {
  test('ready, if nothing keeps it', async () => {
    await attended('ready')
    expect(await why(await insertJob(database(), 'ready'))).toEqual([
      {
        reason: 'ready',
        detail: 'nothing keeps it: a worker claims it in a moment',
        until: null,
        ahead: '0',
      },
    ])
  })

  test('ahead, with how many, of those inserted before and more urgent ones', async () => {
    await attended('line')
    const [, early = ''] = await insertJobs(database(), 'line', 500)
    expect(await why(early)).toMatchObject([
      { reason: 'ahead', detail: 'about 1 job of its type is claimed first', ahead: '1' },
    ])
    const id = await insertJob(database(), 'line')
    await insertJob(database(), 'line', { priority: -1 })
    await insertJob(database(), 'line', { priority: 1 })
    await insertJob(database(), 'line')
    expect(await why(id)).toMatchObject([{ reason: 'ahead', ahead: '501' }])
    const [, second] = await insertJobs(database(), 'line', 3)
    expect(await why(second ?? '')).toMatchObject([{ reason: 'ahead', ahead: '504' }])
  })

  test('time, until its run_at', async () => {
    await attended('later')
    const id = await insertJob(database(), 'later', { run_at: '2099-01-01T00:00:00Z' })
    expect(await why(id)).toMatchObject([
      { reason: 'time', until: new Date('2099-01-01T00:00:00Z'), ahead: null },
    ])
  })

  test('backoff, after an attempt that did not succeed', async () => {
    await attended('again')
    const id = await insertJob(database(), 'again', { run_at: '2099-01-01' })
    // As a worker leaves it.
    await database().query(
      `begin; set local jobtable.writer = 'queue';
       update jobtable.job set attempt = 2, uncharged = 1 where id = ${id}; commit`,
    )
    expect(await why(id)).toMatchObject([
      { reason: 'backoff', detail: 'attempt 2 did not succeed; the next comes later' },
    ])
  })

  test('paused: the job, its type', async () => {
    await attended('paused')
    const id = await insertJob(database(), 'paused', { paused: true })
    expect(await reasons(id)).toEqual(['paused'])
    await database().query(`update jobtable.job_type set paused = true where name = 'paused'`)
    expect(await reasons(id)).toEqual(['paused', 'type_paused'])
    expect(await reasons(await insertJob(database(), 'paused'))).toEqual(['type_paused'])
  })

  test('type_disabled', async () => {
    await attended('disabled')
    const id = await insertJob(database(), 'disabled')
    await database().query(`update jobtable.job_type set enabled = false where name = 'disabled'`)
    expect(await reasons(id)).toEqual(['type_disabled'])
  })

  test('no_worker: none, one that has stopped, one that is silent', async () => {
    await addTypes(database(), 'lonely')
    const id = await insertJob(database(), 'lonely')
    expect(await reasons(id)).toEqual(['no_worker'])
    const { id: worker } = await attended('lonely')
    expect(await reasons(id)).toEqual(['ready'])
    const change = async (columns: string): Promise<unknown> =>
      await database().query(`update jobtable.worker set ${columns} where id = $1`, [worker])
    await change(`seen_at = now() - interval '31 seconds'`)
    expect(await reasons(id)).toEqual(['no_worker'])
    await change('seen_at = now(), stopped_at = now()')
    expect(await reasons(id)).toEqual(['no_worker'])
  })

  test('busy, with how many are ahead', async () => {
    const { id: worker } = await attended('busy')
    await insertJobs(database(), 'busy', 4)
    const id = await insertJob(database(), 'busy')
    await database().query('update jobtable.worker set running = capacity where id = $1', [worker])
    expect(await why(id)).toEqual([
      {
        reason: 'busy',
        detail: 'no slot for type "busy" is free (slots: 1000, live workers: 1)',
        until: null,
        ahead: '4',
      },
    ])
    await attended('busy')
    await database().query('update jobtable.worker set running = capacity where types = $1', [
      ['busy'],
    ])
    expect(await why(id)).toMatchObject([
      { detail: 'no slot for type "busy" is free (slots: 2000, live workers: 2)' },
    ])
  })

  test('busy, while as many run as their executor allows, however many slots are free', async () => {
    const ticker = await attended('limited')
    await database().query(`update jobtable.worker set limits = '{2}' where id = $1`, [ticker.id])
    await insertJobs(database(), 'limited', 2)
    const id = await insertJob(database(), 'limited')
    const [job] = await ticker.claim({ slots: 2 })
    const busy = {
      reason: 'busy',
      detail: 'no slot for type "limited" is free (slots: 2, live workers: 1)',
    }
    expect(await why(id)).toMatchObject([{ ...busy, ahead: '0' }])
    expect(
      await database().query(
        `select reason, detail from jobtable.why_waiting_by_type where type = 'limited'`,
      ),
    ).toEqual([busy])
    await ticker.finish([{ id: job?.id ?? '', lease: job?.lease ?? '', outcome: 'completed' }])
    expect(await reasons(id)).toEqual(['ready'])
  })

  test('locked, by an open transaction of a session that it names', async () => {
    await attended('locked')
    const id = await insertJob(database(), 'locked')
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = $1 for update', [id])
    expect(await why(id)).toMatchObject([
      { reason: 'locked', detail: `the open transaction of session ${client.pid} holds its row` },
    ])
    await client.query(`rollback; begin; update jobtable.job set title = 'x' where id = ${id}`)
    expect(await reasons(id)).toEqual(['locked'])
    await client.query('commit')
    expect(await reasons(id)).toEqual(['ready'])
  })

  test('unknown, of a job that is not there', async () => {
    expect(await why('999999999')).toMatchObject([
      { reason: 'unknown', detail: 'there is no job 999999999' },
    ])
  })

  test.each(['queued', 'started', ...FINAL_STATUSES] as const)(
    'its status, of a job that is %s',
    async (status) => {
      const ticker = await attended(`is ${status}`)
      const id = await insertJobIn(database(), ticker, status, `is ${status}`)
      expect(await why(id)).toEqual([
        {
          reason: status,
          detail: expect.stringMatching(new RegExp(`worker ${ticker.id} |it is ${status}$`)),
          until: null,
          ahead: null,
        },
      ])
    },
  )
})

test('by type: what keeps all of its new jobs', async () => {
  await using own = await createDatabase()
  await addTypes(own, 'empty', 'lonely', 'halted', 'later', 'flowing')
  await startTicker(own, 'halted', 'later', 'flowing')
  await insertJobs(own, 'lonely', 3)
  await insertJob(own, 'halted')
  await own.query(`update jobtable.job_type set paused = true where name = 'halted'`)
  await insertJob(own, 'later', { run_at: '2099-01-01' })
  await insertJob(own, 'flowing')
  const rows = await own.query(
    'select type, waiting, reason from jobtable.why_waiting_by_type order by type',
  )
  expect(rows).toEqual([
    { type: 'halted', waiting: '1', reason: 'type_paused' },
    { type: 'later', waiting: '1', reason: 'later' },
    { type: 'lonely', waiting: '3', reason: 'no_worker' },
  ])
})

/** Buffers that the questions touch, and how often the jobs were scanned, with some jobs waiting. */
async function costOf(count: number): Promise<readonly number[]> {
  await using own: Database = await createDatabase()
  await startTicker(own, 'many')
  const ids = await insertJobs(own, 'many', count)
  await using session = await openSession(own)
  const statements = [
    `select * from jobtable.why_waiting(${ids.at(-1)})`,
    'select * from jobtable.why_waiting_by_type',
    'select * from jobtable.job_counts',
  ]
  const buffers: number[] = []
  for (const statement of statements) {
    // The first call of a session also reads the catalog.
    await session.query(statement)
    buffers.push(await buffersOf(session, statement))
  }
  return buffers
}

test('none of it reads the backlog', async () => {
  const few = await costOf(1_000)
  const many = await costOf(300_000)
  for (const [at, buffers] of many.entries()) {
    // Of 1,250 entries why_waiting reads 1,000 at most, a few to a page.
    expect(buffers).toBeLessThan((few[at] ?? 0) + 1_100)
  }
  expect(many[1]).toBeLessThan((few[1] ?? 0) * 2)
})
