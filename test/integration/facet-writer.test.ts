import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { FacetWriter, FLUSH_INTERVAL_MS } from '../../src/facet.ts'
import { interceptAnswers } from '../support/answers.ts'
import { useDatabase } from '../support/database.ts'
import { insertJobs } from '../support/job.ts'
import { openSession } from '../support/session.ts'
import { only, startTicker } from '../support/ticker.ts'

const database = useDatabase()

beforeAll(async () => {
  await database().query(
    `create table pages (
       job bigint primary key references jobtable.job (id) on delete cascade, n integer
     )`,
  )
})

test('facets that a client has locked are sent again through one connection of several', async () => {
  const LOCKED = 8
  const RETRIES = 6
  const ticker = await startTicker(database(), 'writing')
  await insertJobs(database(), 'writing', LOCKED)
  const jobs = await ticker.claim()
  await database().query('insert into pages select id from jobtable.job')

  const pool = new pg.Pool({ connectionString: database().url, max: 4 })
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('select from pages for update')
  // All connections are there: one that comes late would pass for a retry.
  const connections = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
  for (const connection of connections) connection.release()
  // Who waits for a connection has the next one: those after the first of each job are retries.
  let sent = 0
  let most = 0
  const retries = new Set<unknown>()
  const tried = Promise.withResolvers<void>()
  pool.on('acquire', (connection) => {
    sent += 1
    if (sent > LOCKED) retries.add(connection)
    most = Math.max(most, retries.size)
    if (sent === LOCKED + RETRIES) tried.resolve()
  })
  pool.on('release', (_error, connection) => retries.delete(connection))
  const facets = new FacetWriter(pool, database().pool, () => undefined)
  try {
    const written = jobs.map((job) => facets.write(job, 'pages', { n: 1 }))
    await tried.promise
    expect(most).toBe(1)
    await client.query('commit')
    await Promise.all(written)
    expect(await database().query('select distinct n from pages')).toEqual([{ n: 1 }])
  } finally {
    await facets.stop()
    await pool.end()
  }
})

test('ended jobs that wait for locks are tried again together, whenever each of them ended', async () => {
  const LOCKED = 20
  const PAUSES = 5
  const ticker = await startTicker(database(), 'writing')
  await insertJobs(database(), 'writing', LOCKED)
  const jobs = await ticker.claim()
  const ids = jobs.map(({ id }) => id)
  const pool = new pg.Pool({ connectionString: database().url, max: 1 })
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('select from jobtable.job where id = any ($1) for update', [ids])
  const facets = new FacetWriter(database().pool, pool, () => undefined)
  try {
    const flushed: Promise<void>[] = []
    for (const job of jobs) {
      facets.progress(job, { stage: 'over' })
      flushed.push(facets.flush(job))
      await delay(FLUSH_INTERVAL_MS / LOCKED)
    }
    const from = performance.now()
    for (let sent = 0; sent < PAUSES; sent += 1) await once(pool, 'acquire')
    expect(performance.now() - from).toBeGreaterThan(0.9 * (PAUSES - 1) * FLUSH_INTERVAL_MS)
    await client.query('commit')
    await Promise.all(flushed)
    expect(
      await database().query(
        'select count(*)::integer as n from jobtable.job_progress where job = any ($1)',
        [ids],
      ),
    ).toEqual([{ n: LOCKED }])
  } finally {
    await facets.stop()
    await pool.end()
  }
})

test('what an attempt tells that has lost its lease does not mix with what the next one tells', async () => {
  const ticker = await startTicker(database(), 'writing')
  const [id] = await insertJobs(database(), 'writing', 1)
  const job = only(await ticker.claim())
  const lost = { ...job, lease: String(BigInt(job.lease) - 1n) }
  const facets = new FacetWriter(database().pool, database().pool, () => undefined)
  facets.progress(lost, { stage: 'lost' })
  facets.progress(job, { fraction: 0.5 })
  const refused = facets.write(lost, 'pages', { n: 1 })
  await facets.write(job, 'pages', { n: 2 })
  await expect(refused).rejects.toThrow(LeaseLostError)
  await facets.flush(job)
  await facets.stop()
  expect(
    await database().query(
      `select p.stage, p.fraction, f.n from jobtable.job_progress p join pages f using (job)
       where p.job = $1`,
      [id],
    ),
  ).toEqual([{ stage: null, fraction: 0.5, n: 2 }])
})

test('lines are sent again together, and written once, when the lock on their table is gone', async () => {
  const JOBS = 20
  const SENT = 4
  const ticker = await startTicker(database(), 'writing')
  await insertJobs(database(), 'writing', JOBS)
  const jobs = await ticker.claim()
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('lock table jobtable.job_log in share mode')
  const sizes: number[] = []
  const tried = Promise.withResolvers<void>()
  using _ = interceptAnswers(async ({ text, values, send }) => {
    const answer = await send()
    if (text.includes('write_logs(')) sizes.push((values[0] as string[]).length)
    if (sizes.length === SENT) tried.resolve()
    return answer
  })
  const facets = new FacetWriter(database().pool, database().pool, () => undefined)
  await facets.start()
  try {
    for (const job of jobs) facets.log(job, 'info', 'told', undefined)
    const flushed = jobs.map(async (job) => await facets.flush(job))
    await tried.promise
    await client.query('commit')
    await Promise.all(flushed)
    expect(new Set(sizes)).toEqual(new Set([JOBS]))
    expect(
      await database().query(
        'select count(*)::integer as n, count(distinct job)::integer as jobs from jobtable.job_log',
      ),
    ).toEqual([{ n: JOBS, jobs: JOBS }])
  } finally {
    await facets.stop()
  }
})

test('progress that a client has locked holds up nothing that other jobs tell', async () => {
  const LOCKED = 30
  const ticker = await startTicker(database(), 'writing')
  await insertJobs(database(), 'writing', LOCKED + 1)
  const [other, ...jobs] = await ticker.claim()
  if (other === undefined) throw new Error('a job should have started')
  const sent: string[] = []
  using _ = interceptAnswers(async ({ text, send }) => {
    if (text.includes('write_progress(')) sent.push(text)
    return await send()
  })
  const facets = new FacetWriter(database().pool, database().pool, () => undefined)
  await facets.start()
  for (const job of jobs) facets.progress(job, { fraction: 0.1 })
  await Promise.all(jobs.map(async (job) => await facets.flush(job)))
  await using client = await openSession(database())
  await client.query('begin')
  await client.query('select from jobtable.job_progress for update')
  try {
    sent.length = 0
    for (const job of jobs) facets.progress(job, { fraction: 0.5 })
    facets.log(other, 'info', 'told', undefined)
    await facets.flush(other)
    expect(sent.length).toBe(1)
    await client.query('commit')
    await Promise.all(jobs.map(async (job) => await facets.flush(job)))
    expect(
      await database().query(
        'select count(*)::integer as n from jobtable.job_progress where fraction = 0.5 and job = any ($1)',
        [jobs.map(({ id }) => id)],
      ),
    ).toEqual([{ n: LOCKED }])
  } finally {
    await facets.stop()
  }
})
