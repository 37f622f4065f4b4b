import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { openSession, type Session } from '../../support/session.ts'
import { startTicker, type Ticker } from '../../support/ticker.ts'
import { clients } from './clients.ts'
import { type Real, setClock } from './command.ts'
import { BACKOFF, isFinished, Queue, RETENTION, TYPES } from './queue.ts'
import { claim, rescue, workers } from './workers.ts'

const database = useDatabase()

/** Sequences of commands. More by the environment: some thousand find what is rare. */
const RUNS = Number(process.env['JOBTABLE_TEST_RUNS'] ?? 300)

/** So that a failure is told again by its seed alone. */
const SEED = process.env['JOBTABLE_TEST_SEED']

const COMMANDS = 80

const WORKERS = 3

const RUN_MS = 500

let session: Session
let tickers: readonly Ticker[]
let lease = 0

beforeAll(async () => {
  session = await openSession(database())
  await session.query(
    `insert into jobtable.job_type (
       name, max_attempts, backoff_delay, backoff_limit, backoff_jitter, retention, failed_retention
     )
     select t.key, t.value::smallint, $2::integer * interval '1 ms', $3::integer * interval '1 ms', 0,
       $4::integer * interval '1 ms', $5::integer * interval '1 ms'
     from jsonb_each_text($1) t`,
    [TYPES, BACKOFF.delayMs, BACKOFF.limitMs, RETENTION.endedMs, RETENTION.failedMs],
  )
  const started: Ticker[] = []
  while (started.length < WORKERS) {
    started.push(await startTicker(session, ...Object.keys(TYPES)))
  }
  tickers = started
})

afterAll(async () => await session[Symbol.asyncDispose]())

/** An empty queue, with workers that live. */
async function anew(): Promise<{ readonly model: Queue; readonly real: Real }> {
  const model = new Queue(tickers.map(({ id }) => id))
  await session.query(`
    begin;
    set local jobtable.writer = 'queue';
    update jobtable.job set status = 'completed' where status = 'started';
    delete from jobtable.job;
    delete from jobtable_internal.tally;
    delete from jobtable_internal.claim;
    delete from jobtable_internal.finished;
    delete from jobtable_internal.ready;
    delete from jobtable_internal.due;
    update jobtable.worker set seen_at = '${new Date(model.now).toISOString()}', lost_at = null,
      settled_at = null;
    commit;
  `)
  await setClock({ session }, model.now)
  const drawLease = (): string => String((lease += 1))
  return { model, real: { session, tickers, drawLease } }
}

/** How many jobs are forgotten: they do not start, although nothing keeps them from it any more. */
async function forgotten(queue: Queue, real: Real): Promise<unknown> {
  await session.query('update jobtable.job set paused = false where paused')
  for (const job of queue.jobs.values()) job.paused = false
  const [worker, ...others] = queue.workers
  if (worker === undefined) return undefined
  for (const other of others) await rescue(queue, real, other, 1_000)
  await rescue(queue, real, worker, 1_000)
  await session.query('update jobtable.worker set lost_at = null where id = $1', [worker.id])
  worker.lostAt = null
  queue.now += 3_600_000
  await setClock(real, queue.now)
  const waiting = [...queue.jobs.values()].filter((job) => !isFinished(job)).length
  expect(queue.claimable.length, 'all that is left').toBe(waiting)
  await claim(queue, real, worker, { slots: 1_000, prefetch: 0, isAnswerLost: false })
  const [left] = await session.query(
    "select count(*)::int as count from jobtable.job where status in ('new', 'queued')",
  )
  return left?.['count']
}

test(
  'whatever clients and workers do, the queue does as the model of it',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.commands([...clients, ...workers], { maxCommands: COMMANDS, size: 'max' }),
        async (commands) => {
          const { model, real } = await anew()
          await fc.asyncModelRun(() => ({ model, real }), commands)
          expect(await forgotten(model, real)).toBe(0)
        },
      ),
      {
        numRuns: RUNS,
        ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      },
    )
  },
  60_000 + RUNS * RUN_MS,
)
