import { expect, test } from 'vitest'
import * as queries from '../../../src/queries/running.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, statusOf } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'
import { only, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

test('a job completes with the executor’s own writes, in one transaction', async () => {
  const ticker = await startTicker(database(), 'own')
  const id = await insertJob(database(), 'own')
  const job = only(await ticker.claim())
  await database().query('create table own_write (job bigint)')
  await using session = await openSession(database())
  await session.query('begin')
  await session.query('insert into own_write values ($1)', [id])
  await queries.complete(session.client, job, '{"n": 1}')
  expect(await statusOf(database(), id)).toBe('started')
  await session.query('commit')
  expect(await statusOf(database(), id)).toBe('completed')
  expect(await database().query('select * from own_write')).toEqual([{ job: id }])
  expect(await queries.wasCompleted(database().pool, job)).toBe(true)
  const rows = await database().query('select value from jobtable.job_result where job = $1', [id])
  expect(rows).toEqual([{ value: { n: 1 } }])
})

test('rolled back, the job goes on', async () => {
  const ticker = await startTicker(database(), 'undone')
  const id = await insertJob(database(), 'undone')
  const job = only(await ticker.claim())
  await using session = await openSession(database())
  await session.query('begin')
  await queries.complete(session.client, job, undefined)
  await session.query('rollback')
  expect(await statusOf(database(), id)).toBe('started')
  expect(await queries.wasCompleted(database().pool, job)).toBe(false)
})

test('after the lease was lost, nothing is written: JT014', async () => {
  const ticker = await startTicker(database(), 'lost')
  const id = await insertJob(database(), 'lost')
  const job = only(await ticker.claim())
  await ticker.finish([outcome(job, 'released')])
  expect(await refusal(queries.complete(database().pool, job, undefined))).toEqual({
    code: 'JT014',
    message: `job ${id} is no longer held under this lease`,
    detail: 'It has finished, was given back, or runs elsewhere; nothing was written.',
    hint: 'Stop working on it.',
  })
  expect(await queries.wasCompleted(database().pool, job)).toBe(false)
})

test('the executor’s transaction may not write what only the queue writes, before or after', async () => {
  const ticker = await startTicker(database(), 'guarded')
  const id = await insertJob(database(), 'guarded')
  const job = only(await ticker.claim())
  await using session = await openSession(database())
  await session.query('begin')
  await queries.complete(session.client, job, undefined)
  const update = session.query('update jobtable.job set attempt = 9 where id = $1', [id])
  expect((await refusal(update)).code).toBe('JT004')
})
