import { beforeAll, describe, expect, test } from 'vitest'
import * as queries from '../../../src/queries/running.ts'
import type { HandedJob } from '../../../src/queries/tick.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'
import { only, outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), 'writing')
  await database().query(`
    create table pages (
      job bigint primary key references jobtable.job (id) on delete cascade, n integer
    )`)
})

/** A job that runs. */
async function startJob(): Promise<HandedJob> {
  await insertJob(database(), 'writing')
  return only(await ticker.claim())
}

async function startJobs(count: number): Promise<readonly HandedJob[]> {
  await insertJobs(database(), 'writing', count)
  return await ticker.claim()
}

const progress = (job: HandedJob, more: Partial<queries.ProgressRow>) => ({
  id: job.id,
  lease: job.lease,
  fraction: undefined,
  stage: undefined,
  message: undefined,
  ...more,
})

const line = (job: HandedJob, message: string, more: Partial<queries.LogRow> = {}) => ({
  id: job.id,
  lease: job.lease,
  ageMs: 0,
  level: 'info' as const,
  message,
  fields: undefined,
  ...more,
})

describe('an executor’s facet', () => {
  test('is written under the job’s lease', async () => {
    const job = await startJob()
    await queries.writeFacet(database().pool, job, 'pages', { n: 1 }, false)
    await queries.writeFacet(database().pool, job, 'pages', { n: 2 }, false)
    const rows = await database().query('select * from pages where job = $1', [job.id])
    expect(rows).toEqual([{ job: job.id, n: 2 }])
  })

  test('waits for locks shorter than a client’s', async () => {
    await database().query(`
      create table waits (
        job bigint primary key references jobtable.job (id) on delete cascade, n integer, wait text
      );
      create function note_wait() returns trigger language plpgsql as $$
      begin
        new.wait := current_setting('lock_timeout');
        return new;
      end $$;
      create trigger note_wait before insert or update on waits
        for each row execute function note_wait()`)
    const job = await startJob()
    const wait = async (): Promise<unknown> =>
      (await database().query('select wait from waits where job = $1', [job.id]))[0]?.['wait']
    await queries.writeFacet(database().pool, job, 'waits', { n: 1 }, false)
    expect(await wait()).toBe('200ms')
    await database().query(`select jobtable.update_facet('waits', $1, '{"n": 2}')`, [job.id])
    expect(await wait()).toBe('2s')
  })

  test.each(['public.pages', 'jobtable.job_progress', 'job_progress', 'pages'])(
    'is found by the name %s',
    async (name) => {
      const job = await startJob()
      await queries.writeFacet(database().pool, job, name, {}, false)
      const tables = name.includes('pages') ? 'pages' : 'jobtable.job_progress'
      expect(await database().query(`select job from ${tables} where job = $1`, [job.id])).toEqual([
        { job: job.id },
      ])
    },
  )

  test.each(['no_such', 'no.such', '', 'a.b.c.d', 'pages; drop table pages', '"', "'"])(
    'that does not exist is refused by JT012: %j',
    async (name) => {
      const write = queries.writeFacet(database().pool, await startJob(), name, {}, false)
      expect(await refusal(write)).toEqual({
        code: 'JT012',
        message: `there is no facet "${name}"`,
        detail: 'A name without a schema is looked for in schema public, then in schema jobtable.',
        hint: 'Create the table, or write schema.table.',
      })
    },
  )

  test('is refused by JT014 under another lease, and after the job has finished', async () => {
    const job = await startJob()
    const stranger = { id: job.id, lease: String(BigInt(job.lease) ^ 1n) }
    const strange = queries.writeFacet(database().pool, stranger, 'pages', { n: 1 }, false)
    expect((await refusal(strange)).code).toBe('JT014')
    await ticker.finish([outcome(job, 'completed')])
    const late = queries.writeFacet(database().pool, job, 'pages', { n: 1 }, false)
    expect((await refusal(late)).code).toBe('JT014')
    expect(await database().query('select from pages where job = $1', [job.id])).toEqual([])
  })
})

describe('progress', () => {
  test('of many jobs is written at once; a null keeps what stands', async () => {
    const [a, b] = await startJobs(2)
    if (a === undefined || b === undefined) throw new Error('two jobs should have started')
    const write = async (...rows: queries.ProgressRow[]): Promise<readonly string[]> =>
      await queries.writeProgress(database().pool, rows)
    await write(progress(a, { fraction: 0.1, stage: 'one' }), progress(b, { message: 'hello' }))
    expect(await write(progress(a, { fraction: 0.5 }), progress(b, { stage: 'two' }))).toEqual([])
    const rows = await database().query(
      'select job, fraction, stage, message from jobtable.job_progress where job = any ($1)',
      [[a.id, b.id]],
    )
    expect(rows).toEqual([
      { job: a.id, fraction: 0.5, stage: 'one', message: null },
      { job: b.id, fraction: null, stage: 'two', message: 'hello' },
    ])
  })

  test('of a job that a client has locked is answered, not waited for; the others are written', async () => {
    const jobs = await startJobs(3)
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = $1 for update', [jobs[1]?.id])
    const rows = jobs.map((job) => progress(job, { fraction: 1 }))
    expect(await queries.writeProgress(database().pool, rows)).toEqual([jobs[1]?.id])
    await client.query('commit')
    expect(await queries.writeProgress(database().pool, rows)).toEqual([])
  })

  test('that a client has locked is answered, not waited for; that of others is written', async () => {
    const jobs = await startJobs(3)
    const [locked, , fresh] = jobs
    const rows = jobs.map((job) => progress(job, { fraction: 0.5 }))
    expect(await queries.writeProgress(database().pool, rows.slice(0, 2))).toEqual([])
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job_progress where job = $1 for update', [locked?.id])
    const later = jobs.map((job) => progress(job, { fraction: 1 }))
    expect(await queries.writeProgress(database().pool, later)).toEqual([locked?.id])
    expect(
      await database().query(
        'select fraction from jobtable.job_progress where job between $1 and $2 order by job',
        [locked?.id, fresh?.id],
      ),
    ).toEqual([{ fraction: 0.5 }, { fraction: 1 }, { fraction: 1 }])
    await client.query('commit')
    expect(await queries.writeProgress(database().pool, later)).toEqual([])
  })

  test('gives up by 55P03 where a client has just inserted it; others go without it', async () => {
    const jobs = await startJobs(2)
    const rows = jobs.map((job) => progress(job, { fraction: 0.5 }))
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('insert into jobtable.job_progress (job) values ($1)', [jobs[0]?.id])
    const write = queries.writeProgress(database().pool, rows)
    expect((await refusal(write)).code).toBe('55P03')
    expect(await queries.writeProgress(database().pool, rows.slice(1))).toEqual([])
  })

  test.each([
    { table: 'job_progress', mode: 'share' },
    { table: 'job', mode: 'exclusive' },
  ])('of all jobs is answered where a client has locked the table $table', async (locked) => {
    const jobs = await startJobs(2)
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(`lock table jobtable.${locked.table} in ${locked.mode} mode`)
    const rows = jobs.map((job) => progress(job, { fraction: 1 }))
    const ids = jobs.map(({ id }) => id)
    expect(await queries.writeProgress(database().pool, rows)).toEqual(ids)
    await client.query('commit')
    expect(await queries.writeProgress(database().pool, rows)).toEqual([])
  })

  test('under a lease that was lost is dropped silently', async () => {
    const job = await startJob()
    await ticker.finish([outcome(job, 'released')])
    expect(await queries.writeProgress(database().pool, [progress(job, { fraction: 1 })])).toEqual(
      [],
    )
    const rows = await database().query('select from jobtable.job_progress where job = $1', [
      job.id,
    ])
    expect(rows).toEqual([])
    only(await ticker.claim())
  })
})

describe('log lines', () => {
  test('are kept in order, with their level, attempt, time and fields', async () => {
    const [a, b] = await startJobs(2)
    if (a === undefined || b === undefined) throw new Error('two jobs should have started')
    await using worker = await openSession(database())
    await worker.query(`set jobtable.now = '2026-01-01 00:00:10+00'`)
    const answer = await queries.writeLogs(worker.client, [
      line(a, 'one', { ageMs: 2_000, level: 'warn', fields: '{"n": 1}' }),
      line(b, 'two', { ageMs: 1_500 }),
      line(a, 'three', { ageMs: 500 }),
    ])
    expect(answer).toEqual([])
    const rows = await database().query(
      `select job, attempt, at, level, message, fields from jobtable.job_log
       where job = any ($1) order by id`,
      [[a.id, b.id]],
    )
    const base = { attempt: 1, level: 'info', fields: null }
    expect(rows).toEqual([
      {
        ...base,
        job: a.id,
        at: new Date('2026-01-01T00:00:08Z'),
        level: 'warn',
        message: 'one',
        fields: { n: 1 },
      },
      { ...base, job: b.id, at: new Date('2026-01-01T00:00:08.5Z'), message: 'two' },
      { ...base, job: a.id, at: new Date('2026-01-01T00:00:09.5Z'), message: 'three' },
    ])
  })

  test('of a job that a client has locked are answered by position; the others are written', async () => {
    const [a, b] = await startJobs(2)
    if (a === undefined || b === undefined) throw new Error('two jobs should have started')
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = $1 for update', [a.id])
    const lines = [line(a, '1'), line(b, '2'), line(a, '3')]
    expect(await queries.writeLogs(database().pool, lines)).toEqual([0, 2])
    await client.query('commit')
    const again = await queries.writeLogs(database().pool, [line(a, '1'), line(a, '3')])
    expect(again).toEqual([])
    const rows = await database().query<{ message: string }>(
      'select message from jobtable.job_log where job = any ($1) order by job, id',
      [[a.id, b.id]],
    )
    expect(rows.map((row) => row.message)).toEqual(['1', '3', '2'])
  })

  test.each([
    { table: 'job_log', mode: 'share' },
    { table: 'job', mode: 'exclusive' },
  ])('of all jobs are answered where a client has locked the table $table', async (locked) => {
    const [a, b] = await startJobs(2)
    if (a === undefined || b === undefined) throw new Error('two jobs should have started')
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(`lock table jobtable.${locked.table} in ${locked.mode} mode`)
    await using worker = await openSession(database())
    expect(await queries.writeLogs(worker.client, [line(a, '1'), line(b, '2')])).toEqual([0, 1])
    await client.query('commit')
    const rows = await database().query('select from jobtable.job_log where job = any ($1)', [
      [a.id, b.id],
    ])
    expect(rows).toEqual([])
  })
})
