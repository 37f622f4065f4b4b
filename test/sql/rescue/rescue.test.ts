import { describe, expect, test } from 'vitest'
import * as running from '../../../src/queries/running.ts'
import * as queries from '../../../src/queries/worker.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'
import { beatOf, only, outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

/** Inserts jobs with attempts to spare and answers their ids. */
async function insertMany(type: string, count: number): Promise<string[]> {
  const rows = await database().query<{ id: string }>(
    `insert into jobtable.job (type, max_attempts) select $1, 9 from generate_series(1, $2)
     returning id`,
    [type, count],
  )
  return rows.map((row) => row.id)
}

/** When a worker was seen last, as the others are told. */
async function seenAt(worker: string): Promise<string> {
  const [row] = await database().query<{ seen_at: string }>(
    'select seen_at::text from jobtable.worker where id = $1',
    [worker],
  )
  return row?.seen_at ?? ''
}

async function rescue(worker: Ticker, limit = 1_000): ReturnType<typeof queries.rescue> {
  return await queries.rescue(database().pool, worker.id, await seenAt(worker.id), limit)
}

async function receipts(worker: string): Promise<number> {
  const rows = await database().query('select from jobtable_internal.claim where worker = $1', [
    worker,
  ])
  return rows.length
}

describe('a rescue', () => {
  test('gives jobs another attempt at once, and tells why the last one ended', async () => {
    const dead = await startTicker(database(), 'another')
    const id = await insertJob(database(), 'another', { max_attempts: 2 })
    await dead.claim()
    expect(await rescue(dead)).toEqual({ rescued: 1, more: false })
    const row = await readJob(database(), id)
    expect(row).toMatchObject({ status: 'new', attempt: 1, lease: null, worker: null })
    expect(row?.['status_detail']).toMatch(/^worker lost: worker \d+ \(by-hand, process \d+\) was/)
    const found = await database().query('select * from jobtable.job_attempt where job = $1', [id])
    expect(found).toMatchObject([
      { n: 1, worker: dead.id, outcome: 'lost', error_name: 'WorkerLostError' },
    ])
    const other = await startTicker(database(), 'another')
    expect(only(await other.claim())).toMatchObject({ id, attempt: 2 })
    expect(await receipts(dead.id)).toBe(0)
  })

  test('fails jobs that have no attempt left', async () => {
    const dead = await startTicker(database(), 'no_more')
    const id = await insertJob(database(), 'no_more', { key: 'k' })
    await dead.claim()
    await rescue(dead)
    expect(await readJob(database(), id)).toMatchObject({ status: 'failed', holds_key: false })
  })

  test.each([{}, { result: '1' }])(
    'that fails a job makes its late completion (%o) a lost one',
    async (more) => {
      const dead = await startTicker(database(), 'late_end')
      const id = await insertJob(database(), 'late_end')
      const job = only(await dead.claim())
      await rescue(dead)
      expect(await dead.finish([outcome(job, 'completed', more)])).toMatchObject({ lost: [id] })
      expect(await readJob(database(), id)).toMatchObject({ status: 'failed' })
    },
  )

  test.each([9, 1])('cancels jobs that were asked to stop, of %i attempts', async (attempts) => {
    const dead = await startTicker(database(), 'asked')
    const id = await insertJob(database(), 'asked', { max_attempts: attempts })
    await dead.claim()
    await database().query('select jobtable.cancel($1)', [id])
    await rescue(dead)
    expect(await readJob(database(), id)).toMatchObject({ status: 'cancelled' })
  })

  test('gives back what had not begun, without an attempt', async () => {
    const dead = await startTicker(database(), 'queued')
    const id = await insertJob(database(), 'queued')
    await dead.claim({ slots: 0, prefetch: 1 })
    expect(await readJob(database(), id)).toMatchObject({ status: 'queued' })
    await rescue(dead)
    expect(await readJob(database(), id)).toMatchObject({
      status: 'new',
      attempt: 0,
      status_detail: null,
    })
    expect(await database().query('select from jobtable.job_attempt where job = $1', [id])).toEqual(
      [],
    )
  })

  test('leaves alone what has finished, was given back, or runs under another lease', async () => {
    const dead = await startTicker(database(), 'others')
    const ids = await insertMany('others', 3)
    const jobs = await dead.claim({ slots: 3 })
    await dead.finish([
      outcome(only(jobs.slice(0, 1)), 'completed'),
      outcome(only(jobs.slice(1, 2)), 'released'),
    ])
    const other = await startTicker(database(), 'others')
    await other.claim()
    expect(await rescue(dead)).toEqual({ rescued: 1, more: false })
    const statuses = await Promise.all(
      ids.map(async (id) => (await readJob(database(), id))?.['status']),
    )
    expect(statuses).toEqual(['completed', 'started', 'new'])
  })

  test('of a worker that has shown life since does nothing', async () => {
    const alive = await startTicker(database(), 'alive')
    const id = await insertJob(database(), 'alive')
    await alive.claim()
    const before = await seenAt(alive.id)
    await beatOf(database().pool, alive.id)
    const answer = await queries.rescue(database().pool, alive.id, before, 10)
    expect(answer).toEqual({ rescued: 0, more: false })
    expect(await readJob(database(), id)).toMatchObject({ status: 'started' })
  })

  test('passes over jobs that a client has locked, and has them the next time', async () => {
    const dead = await startTicker(database(), 'locked')
    const [locked = '', free = ''] = await insertMany('locked', 2)
    await dead.claim({ slots: 2 })
    await using client = await openSession(database())
    await client.query('begin')
    await client.query("update jobtable.job set title = 'mine' where id = $1", [locked])
    expect(await rescue(dead)).toEqual({ rescued: 1, more: false })
    expect(await readJob(database(), free)).toMatchObject({ status: 'new' })
    expect(await receipts(dead.id)).toBe(1)
    await client.query('commit')
    const other = await startTicker(database(), 'locked')
    const { orphans } = await beatOf(database().pool, other.id)
    expect(orphans).toContain(dead.id)
    expect(await queries.rescue(database().pool, dead.id, null, 10)).toMatchObject({ rescued: 1 })
    expect(await readJob(database(), locked)).toMatchObject({ status: 'new' })
    expect(await receipts(dead.id)).toBe(0)
  })

  test('of many jobs goes by parts, past those that are locked', async () => {
    const dead = await startTicker(database(), 'parts')
    const ids = await insertMany('parts', 600)
    await dead.claim({ slots: 300 })
    await dead.claim({ slots: 300 })
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = any ($1) for update', [
      ids.slice(0, 240),
    ])
    const first = await rescue(dead, 100)
    expect(first.more).toBe(true)
    let total = first.rescued
    for (let more = true; more; ) {
      const next = await queries.rescue(database().pool, dead.id, null, 100)
      total += next.rescued
      more = next.more
    }
    expect(total).toBeGreaterThanOrEqual(600 - 240)
  })

  test('and the late outcome of the one that was lost: refused, and nothing changed', async () => {
    const dead = await startTicker(database(), 'late')
    const id = await insertJob(database(), 'late', { max_attempts: 2 })
    const job = only(await dead.claim())
    await rescue(dead)
    const before = await readJob(database(), id)
    const { lost } = await dead.finish([outcome(job, 'completed')])
    expect(lost).toEqual([id])
    expect(await readJob(database(), id)).toEqual(before)
  })

  test('and a finish at the same time: a rescue that is first decides', async () => {
    const dead = await startTicker(database(), 'rescue_first')
    const id = await insertJob(database(), 'rescue_first', { max_attempts: 2 })
    const done = outcome(only(await dead.claim()), 'completed')
    await using session = await openSession(database())
    await session.query('begin')
    await queries.rescue(session.client, dead.id, await seenAt(dead.id), 10)
    // The row is locked: the outcome is to be sent again.
    expect((await dead.finish([done])).locked).toEqual([id])
    await session.query('commit')
    expect((await dead.finish([done])).lost).toEqual([id])
    expect(await readJob(database(), id)).toMatchObject({ status: 'new' })
  })

  test('and a finish at the same time: a finish that is first decides', async () => {
    const dead = await startTicker(database(), 'finish_first')
    const id = await insertJob(database(), 'finish_first', { max_attempts: 2 })
    const job = only(await dead.claim())
    await using session = await openSession(database())
    await session.query('begin')
    await dead.finish([outcome(job, 'completed')], session)
    expect(await rescue(dead)).toMatchObject({ rescued: 0 })
    await session.query('commit')
    await queries.rescue(database().pool, dead.id, null, 10)
    expect(await readJob(database(), id)).toMatchObject({ status: 'completed' })
  })
})

describe('a worker that was taken for lost', () => {
  test('is told so once, lives again, and is told what it holds no more', async () => {
    const worker = await startTicker(database(), 'revived')
    await insertMany('revived', 2)
    const jobs = await worker.claim({ slots: 2 })
    await rescue(worker)
    const other = await startTicker(database(), 'revived')
    await other.claim({ slots: 1 })
    expect(await beatOf(database().pool, worker.id)).toMatchObject({ known: true, wasLost: true })
    expect(await beatOf(database().pool, worker.id)).toMatchObject({ wasLost: false })
    // One of them by a lease of its own again: told by the lease, not by the job alone.
    const again = only(await worker.claim({ slots: 1 }))
    const asked = [...jobs, again].map((job) => ({ ...job }))
    const lost = await queries.notHeld(database().pool, asked)
    expect(lost.map(({ id, lease }) => `${id} ${lease}`)).toEqual(
      jobs.map(({ id, lease }) => `${id} ${lease}`),
    )
  })

  test('claims nothing before its next sign of life', async () => {
    const worker = await startTicker(database(), 'zombie')
    await rescue(worker)
    const id = await insertJob(database(), 'zombie')
    expect(await worker.claim()).toEqual([])
    await beatOf(database().pool, worker.id)
    expect((await worker.claim()).map((job) => job.id)).toEqual([id])
  })

  test('keeps its row while it may hold jobs: JT017', async () => {
    const worker = await startTicker(database(), 'kept')
    await insertJob(database(), 'kept')
    await worker.claim()
    const gone = database().query('delete from jobtable.worker where id = $1', [worker.id])
    expect((await refusal(gone)).code).toBe('JT017')
  })
})

describe('a sign of life is answered with', () => {
  test('the workers that have missed theirs, and no others', async () => {
    const watcher = await startTicker(database(), 'watch')
    const silent = await startTicker(database(), 'watch')
    const alive = await startTicker(database(), 'watch')
    await database().query(
      "update jobtable.worker set seen_at = seen_at - interval '3 s' where id = $1",
      [silent.id],
    )
    const answer = await beatOf(database().pool, watcher.id)
    const ids = answer.silent.map(({ id }) => id)
    expect(ids).toContain(silent.id)
    expect(ids).not.toContain(alive.id)
    expect(ids).not.toContain(watcher.id)
    expect(answer.silent.find(({ id }) => id === silent.id)).toMatchObject({
      seen_at: await seenAt(silent.id),
      hung_up: false,
      heartbeat_ms: 2_000,
      lease_ms: 6_000,
    })
  })

  test('those that seem to come from the future, since the clock was set back', async () => {
    const watcher = await startTicker(database(), 'future')
    const ahead = await startTicker(database(), 'future')
    await database().query(
      "update jobtable.worker set seen_at = seen_at + interval '1 hour' where id = $1",
      [ahead.id],
    )
    const { silent } = await beatOf(database().pool, watcher.id)
    expect(silent.map(({ id }) => id)).toContain(ahead.id)
  })

  test('whether the session in which it listened has ended', async () => {
    const watcher = await startTicker(database(), 'hung_up')
    const worker = await startTicker(database(), 'hung_up')
    const session = await openSession(database())
    await session.query(`set application_name = 'jobtable:listen:${worker.id}'`)
    await beatOf(database().pool, worker.id, { listens: true })
    const hungUp = async (): Promise<boolean | undefined> => {
      await database().query(
        "update jobtable.worker set seen_at = clock_timestamp() - interval '3 s' where id = $1",
        [worker.id],
      )
      const { silent } = await beatOf(database().pool, watcher.id)
      return silent.find(({ id }) => id === worker.id)?.hung_up
    }
    expect(await hungUp()).toBe(false)
    await session[Symbol.asyncDispose]()
    // Of a server that has started less than 3 s ago, nothing can be told.
    await expect.poll(hungUp, { timeout: 10_000 }).toBe(true)
  })

  test('that much of any number of workers, for one look at the sessions', async () => {
    const watcher = await startTicker(database(), 'many')
    for (let n = 0; n < 5; n += 1) await startTicker(database(), 'many')
    await database().query(
      `update jobtable.worker set listens = true, seen_at = clock_timestamp() + interval '1 hour'
       where id <> $1`,
      [watcher.id],
    )
    await using session = await openSession(database())
    await session.query(
      `begin; create sequence looks;
       create or replace function jobtable_internal.listeners() returns text[] language plpgsql
       as $$ begin perform nextval('public.looks'); return '{}'; end $$`,
    )
    expect((await beatOf(session.client, watcher.id)).silent.length).toBeGreaterThanOrEqual(5)
    expect(await session.query('select last_value, is_called from looks')).toEqual([
      { last_value: '1', is_called: true },
    ])
  })

  test('the timeouts of its types as they are now', async () => {
    const ticker = await startTicker(database(), 'timed')
    await database().query("update jobtable.job_type set timeout = '90 s' where name = 'timed'")
    const { timeouts } = await beatOf(database().pool, ticker.id)
    expect([...timeouts]).toEqual([['timed', 90_000]])
  })
})

test('receipts that are doubtful go only if nothing is held under them', async () => {
  const ticker = await startTicker(database(), 'doubtful')
  await insertJobs(database(), 'doubtful', 2)
  const ended = only(await ticker.claim({ slots: 1 }))
  const held = only(await ticker.claim({ slots: 1 }))
  await ticker.finish([outcome(ended, 'completed')])
  await beatOf(database().pool, ticker.id, { doubtful: [ended.lease, held.lease] })
  const rows = await database().query(
    'select lease from jobtable_internal.claim where worker = $1',
    [ticker.id],
  )
  expect(rows).toEqual([{ lease: held.lease }])
})

test('a job’s facet that is being written keeps its attempt from being taken for lost', async () => {
  const dead = await startTicker(database(), 'telling')
  const id = await insertJob(database(), 'telling', { max_attempts: 2 })
  const job = only(await dead.claim())
  await using session = await openSession(database())
  await session.query('begin')
  await running.writeFacet(session.client, job, 'job_progress', { stage: 'late' }, false)
  expect(await rescue(dead)).toMatchObject({ rescued: 0 })
  await session.query('commit')
  await queries.rescue(database().pool, dead.id, null, 10)
  expect(await readJob(database(), id)).toMatchObject({ status: 'new' })
})

test('a client’s cancel does not wait for a facet of the executor’s own transaction', async () => {
  const ticker = await startTicker(database(), 'within')
  const id = await insertJob(database(), 'within')
  const job = only(await ticker.claim())
  await using session = await openSession(database())
  await using client = await openSession(database())
  await session.query('begin')
  await running.writeFacet(session.client, job, 'job_progress', { stage: 'x' }, true)
  expect(await client.query("select jobtable.cancel($1, 'enough') as answer", [id])).toEqual([
    { answer: 'requested' },
  ])
  const { code } = await refusal(running.complete(session.client, job, undefined))
  expect(code).toBe('JT018')
  await session.query('rollback')
  expect(await queries.askedToStop(database().pool, [id])).toMatchObject([{ id, reason: 'enough' }])
})

test('a question whether a commit happened waits for one that is on its way', async () => {
  const ticker = await startTicker(database(), 'unknown')
  await insertJob(database(), 'unknown')
  const job = only(await ticker.claim())
  await using session = await openSession(database())
  await using asking = await openSession(database())
  await session.query('begin')
  await running.complete(session.client, job, undefined)
  const answer = running.wasCompleted(asking.client, job)
  await untilBlocked(database(), asking)
  await session.query('commit')
  expect(await answer).toBe(true)
})
