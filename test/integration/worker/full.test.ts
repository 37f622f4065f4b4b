import { expect, test } from 'vitest'
import { defineExecutor, type Executor } from '../../../src/executor.ts'
import { interceptAnswers } from '../../support/answers.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJobs } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import {
  allFinished,
  beats,
  cleanUpAfterEach,
  gate,
  next,
  startWorker,
  until,
} from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

/** So rarely that no test lives to see it: what runs was woken. */
const NEVER_MS = 3_600_000
/** Jobs that log so much together that a worker is full. */
const FLOODS = 11
const LONGEST = 'm'.repeat(10_000)

const fine = defineExecutor({ type: 'fine', execute: () => undefined })

/** Jobs that log very much at once, and end when they are let go. */
function flooder(): { executor: Executor; flooded: Promise<void>; letGo: () => void } {
  const flooded = gate()
  const held = gate()
  let begun = 0
  const executor = defineExecutor({
    type: 'floods',
    async execute({ log }) {
      for (let n = 0; n < 600; n += 1) log.info(LONGEST)
      begun += 1
      if (begun === FLOODS) flooded.open()
      await held.opened
    },
  })
  return { executor, flooded: flooded.opened, letGo: held.open }
}

test('a worker that becomes full leaves jobs to one that sleeps, once, and looks again when it has room', async () => {
  await using client = await openSession(database())
  const sleeper = await startWorker(database(), { executors: [fine], pollMs: NEVER_MS })
  await next(sleeper, 'listening')
  await next(sleeper, 'idle')
  const { executor, flooded, letGo } = flooder()
  await addTypes(database(), 'floods')
  await insertJobs(database(), 'floods', FLOODS)
  await client.query('begin')
  await client.query('lock table jobtable.job_log in exclusive mode')
  let left = 0
  using _ = interceptAnswers(async ({ text, send }) => {
    if (text.includes('jobtable_internal.leave(')) left += 1
    return await send()
  })
  // Until a look finds nothing it promises the next one, so that nobody is notified.
  const worker = await startWorker(database(), {
    concurrency: 2 * FLOODS,
    heartbeatMs: 100,
    pollMs: NEVER_MS,
    executors: [executor, fine],
  })
  await flooded
  const [id] = await insertJobs(database(), 'fine', 1)
  await until(database(), "(select status = 'completed' from jobtable.job where id = $1)", [id])
  await sleeper.stop()
  const [later] = await insertJobs(database(), 'fine', 1)
  await beats(database(), worker.id ?? '', 3)
  // The other one has left as well when it stopped.
  expect(left).toBe(2)
  const job = 'from jobtable.job where id = $1'
  expect(await database().query(`select status ${job}`, [later])).toEqual([{ status: 'new' }])
  await client.query('commit')
  await until(database(), `(select status = 'completed' ${job})`, [later])
  letGo()
  await allFinished(database())
})

/** More lines than are kept of one job while they cannot be stored, and than a worker can hold. */
const TOO_MANY = 6_000

/** Of a job's lines, in order: how many are the longest, then whatever the others say. */
async function linesOf(job: string): Promise<{ longest: number; others: unknown[] }> {
  const lines = await database().query(
    `select level, case when message <> $2 then message end as message, fields
     from jobtable.job_log where job = $1 order by id`,
    [job, LONGEST],
  )
  const longest = lines.findIndex(({ message }) => message !== null)
  return { longest, others: lines.slice(longest) }
}

/** The line that stands for those that are missing. */
function dropped(count: number): Record<string, unknown> {
  const message = `${count} log lines were dropped here: too many waited to be stored`
  return { level: 'warn', message, fields: { dropped: count } }
}

test('a client that locks a job which logs very much keeps no other from beginning, and it is told what was dropped', async () => {
  await using client = await openSession(database())
  const locked = gate()
  const flooded = gate()
  const told = gate()
  const floods = defineExecutor({
    type: 'floods',
    async execute({ log }) {
      await locked.opened
      for (let n = 0; n < TOO_MANY; n += 1) log.info(LONGEST)
      flooded.open()
      await told.opened
      log.info('after')
    },
  })
  await startWorker(database(), { executors: [floods, fine] })
  const [id = ''] = await insertJobs(database(), 'floods', 1)
  await until(database(), "(select status = 'started' from jobtable.job where id = $1)", [id])
  await client.query('begin')
  await client.query('select from jobtable.job for update')
  locked.open()
  await flooded.opened
  const [other] = await insertJobs(database(), 'fine', 1)
  await until(database(), "(select status = 'completed' from jobtable.job where id = $1)", [other])
  await client.query('commit')
  await until(database(), "exists (select from jobtable.job_log where level = 'warn')")
  told.open()
  await allFinished(database())
  const { longest, others } = await linesOf(id)
  expect(longest).toBeGreaterThan(400)
  const after = { level: 'info', message: 'after', fields: null }
  expect(others).toEqual([dropped(TOO_MANY - longest), after])
})

test('a job that logs very much in its own transaction is told what was dropped', async () => {
  const commits = defineExecutor({
    type: 'commits',
    async execute({ transaction, log }) {
      await transaction(async () => {
        for (let n = 0; n < TOO_MANY; n += 1) log.info(LONGEST)
        await Promise.resolve()
      })
    },
  })
  await startWorker(database(), { executors: [commits] })
  const [id = ''] = await insertJobs(database(), 'commits', 1)
  await allFinished(database())
  const { longest, others } = await linesOf(id)
  expect(longest).toBeGreaterThan(400)
  expect(others).toEqual([dropped(TOO_MANY - longest)])
})
