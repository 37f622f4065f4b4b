import { afterEach, beforeEach, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { defineExecutor } from '../../src/executor.ts'
import { createDatabase, type Database, useOwnServer } from '../support/database.ts'
import { insertJob, insertJobs } from '../support/job.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import { startPrivateServer } from '../support/server.ts'
import { openSession } from '../support/session.ts'
import {
  allFinished,
  cleanUpAfterEach,
  expectToldOnce,
  gate,
  linesOf,
  next,
  startWorker,
  until,
} from '../support/worker.ts'

const PATIENCE_MS = 120_000
const TIMEOUT_MS = 2 * PATIENCE_MS
/** The lease is over within seconds, and a loaded machine does not lose one by itself. */
const HEARTBEAT_MS = 1_000

const own = useOwnServer()
cleanUpAfterEach(() => own().database)

let proxy: Proxy
beforeEach(async () => {
  proxy = await startProxy(own().server.port)
})
afterEach(async () => await proxy[Symbol.asyncDispose]())

/** The database's address where another port leads to it. */
function at({ url }: Database, port: number): string {
  return Object.assign(new URL(url), { port }).href
}

test('the line is dead for less than the lease: what ended meanwhile is completed', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { database } = own()
  const { opened, open } = gate()
  const worker = await startWorker(database, {
    connectionString: at(database, proxy.port),
    heartbeatMs: PATIENCE_MS,
    executors: [defineExecutor({ type: 'held', execute: async () => await opened })],
  })
  const lines = linesOf(worker)
  const begun = next(worker, 'begun')
  const id = await insertJob(database, 'held')
  await begun
  proxy.cut()
  const ended = next(worker, 'ended')
  open()
  await ended
  await next(worker, 'trouble', PATIENCE_MS)
  proxy.heal()
  await allFinished(database, PATIENCE_MS)
  expect(
    await database.query('select status::text, attempt from jobtable.job where id = $1', [id]),
  ).toEqual([{ status: 'completed', attempt: 1 }])
  await expectToldOnce(lines)
})

test('the line is dead for longer than the lease: others run the jobs, and the worker lets go of them', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { database } = own()
  const reasons: unknown[] = []
  const lonely = await startWorker(database, {
    connectionString: at(database, proxy.port),
    heartbeatMs: HEARTBEAT_MS,
    executors: [
      defineExecutor({
        type: 'held',
        maxAttempts: 2,
        execute: async ({ job, signal }) => {
          if (job.attempt > 1) return
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          reasons.push(signal.reason)
        },
      }),
    ],
  })
  const lines = linesOf(lonely)
  const begun = next(lonely, 'begun')
  const id = await insertJob(database, 'held')
  await begun
  const other = await startWorker(database, {
    heartbeatMs: HEARTBEAT_MS,
    executors: [defineExecutor({ type: 'held', maxAttempts: 2, execute: () => undefined })],
  })
  const rescued = next(other, 'rescued', PATIENCE_MS)
  proxy.cut()
  expect(await rescued).toEqual([lonely.id, 1])
  await allFinished(database, PATIENCE_MS)
  const dropped = next(lonely, 'dropped', PATIENCE_MS)
  proxy.heal()
  const [jobs] = await dropped
  expect(jobs.map((job) => job.id)).toEqual([id])
  await expect.poll(() => reasons).toEqual([expect.any(LeaseLostError)])
  expect(
    await database.query(
      `select j.status::text, j.attempt, a.outcome from jobtable.job j
       join jobtable.job_attempt a on a.job = j.id where j.id = $1`,
      [id],
    ),
  ).toEqual([{ status: 'completed', attempt: 2, outcome: 'lost' }])

  // It goes on with the rest, alone.
  await other.stop()
  await database.query("insert into jobtable.job (type) values ('held')")
  await next(lonely, 'begun', PATIENCE_MS)
  await expectToldOnce(lines)
})

test('another server takes over, and the old connections hear nothing more: the worker goes on there', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const first = stack.use(await startPrivateServer())
  const database = await createDatabase({ server: first.server })
  stack.defer(async () => await database.pool.end())
  const line = stack.use(await startProxy(first.port))
  const { opened, open } = gate()
  const worker = stack.use(
    await startWorker(database, {
      connectionString: at(database, line.port),
      executors: [
        defineExecutor({
          type: 'held',
          execute: async ({ facet, progress, log, transaction }) => {
            await facet('job_progress', { stage: 'before' })
            await opened
            await facet('job_progress', { message: 'after' })
            progress(1)
            log.info('after')
            await transaction(async ({ query }) => void (await query('select')))
          },
        }),
        defineExecutor({
          type: 'moved',
          execute: async ({ payload, transaction }) => {
            if (payload['waits'] === true) await opened
            await transaction(async ({ query }) => void (await query('select')))
          },
        }),
        defineExecutor({ type: 'other', execute: () => undefined }),
      ],
    }),
  )
  const lines = linesOf(worker)
  const id = await insertJob(database, 'held')
  await until(database, 'exists (select from jobtable.job_progress where job = $1)', [id])
  const waiting = await insertJob(database, 'moved', { payload: { waits: true } })
  await until(database, "(select status = 'started' from jobtable.job where id = $1)", [waiting])
  // It leaves a connection behind that the other will find dead.
  const done = await insertJob(database, 'moved')
  await until(database, "(select status = 'completed' from jobtable.job where id = $1)", [done])
  line.cut()
  open()
  await first.stop('immediate')
  const second = stack.use(await first.promote())
  line.failOver(second.port)

  await using after = await openSession({ ...database, url: at(database, second.port) })
  await insertJobs(after, 'other', 10)
  await allFinished(after, PATIENCE_MS)
  expect(
    await after.query('select status::text, attempt from jobtable.job where id = $1', [waiting]),
  ).toEqual([{ status: 'completed', attempt: 1 }])
  expect(
    await after.query(
      `select j.status::text, j.attempt, p.stage, p.message, p.fraction, l.message as line
       from jobtable.job j
       join jobtable.job_progress p on p.job = j.id
       join jobtable.job_log l on l.job = j.id
       where j.id = $1`,
      [id],
    ),
  ).toEqual([
    {
      status: 'completed',
      attempt: 1,
      stage: 'before',
      message: 'after',
      fraction: 1,
      line: 'after',
    },
  ])
  await expectToldOnce(lines)
})
