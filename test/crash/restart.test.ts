import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { endCommandsAfterEach, type RunningCli, startCli } from '../support/cli.ts'
import { type Database, useOwnServer } from '../support/database.ts'
import { type Load, startLoad } from '../support/load.ts'
import { openSession } from '../support/session.ts'
import { allFinished, cleanUpAfterEach, RECOVERED, TROUBLE, until } from '../support/worker.ts'

const EXECUTORS = fileURLToPath(new URL('../support/executors/slow', import.meta.url))
const WORKERS = 2
/** Jobs of 250 ms, and some two hundred of them a second: about fifty run at any time. */
const BATCH = 10
const CONCURRENCY = '60'
/** A server that accepts connections again has its throughput back within this time. */
const RECOVERY_MS = 10_000
const PATIENCE_MS = 120_000
const TIMEOUT_MS = 2 * PATIENCE_MS

const own = useOwnServer()
cleanUpAfterEach(() => own().database)
endCommandsAfterEach()

/** Two worker processes at work, and clients that give them enough to do. */
async function startAll(database: Database): Promise<{ workers: RunningCli[]; load: Load }> {
  const args = ['--database-url', database.url, '--executors', EXECUTORS]
  const workers = Array.from({ length: WORKERS }, () =>
    startCli(['worker', ...args, '--concurrency', CONCURRENCY], { patienceMs: TIMEOUT_MS }),
  )
  await Promise.all(workers.map(async (worker) => await worker.line('worker started')))
  const load = startLoad(database, 'slow', BATCH)
  await until(
    database,
    "(select count(*) >= 200 from jobtable.job where status = 'completed')",
    [],
    PATIENCE_MS,
  )
  return { workers, load }
}

/** Every job that the server has confirmed, and every other that it holds, ran once and was completed. */
async function expectAllDone(database: Database, accepted: readonly string[]): Promise<void> {
  const jobs = await database.query(
    `select status::text, attempt, count(*)::integer as jobs,
       count(*) filter (where id = any ($1))::integer as accepted
     from jobtable.job group by 1, 2`,
    [accepted],
  )
  expect(jobs).toEqual([
    { status: 'completed', attempt: 1, jobs: expect.any(Number), accepted: accepted.length },
  ])
  expect(await database.query('select * from jobtable.job_attempt')).toEqual([])
}

/** Stops the workers. Answers how often each has told of trouble, and of its end. */
async function stopAll(workers: readonly RunningCli[]): Promise<{ told: number; over: number }[]> {
  await Promise.all(workers.map(async (worker) => await worker.line(RECOVERED)))
  for (const { child } of workers) child.kill('SIGTERM')
  const results = await Promise.all(workers.map(async ({ ended }) => await ended))
  expect(results.map(({ code }) => code)).toEqual(workers.map(() => 0))
  return results.map(({ stderr }) => ({
    told: stderr.split(TROUBLE).length - 1,
    over: stderr.split(RECOVERED).length - 1,
  }))
}

test.each(['fast', 'immediate'] as const)(
  'restarted (%s) under load: what runs is finished, nothing is lost, and the throughput is back',
  { timeout: TIMEOUT_MS },
  async (mode) => {
    const { server, database } = own()
    const { workers, load } = await startAll(database)
    await until(database, "exists (select from jobtable.job where status = 'started')")
    await server.stop(mode)
    await expect.poll(() => load.failures, { timeout: PATIENCE_MS }).toBeGreaterThan(0)
    await server.start()
    const accepting = performance.now()
    // All that has come together meanwhile, beside what comes now.
    const [last] = await database.query<{ id: string }>('select max(id) as id from jobtable.job')
    await until(
      database,
      "not exists (select from jobtable.job where id <= $1 and status <> 'completed')",
      [last?.id],
      PATIENCE_MS,
    )
    expect(performance.now() - accepting).toBeLessThan(RECOVERY_MS)
    await load.stop()
    await allFinished(database, PATIENCE_MS)
    await expectAllDone(database, load.accepted)
    expect(await stopAll(workers)).toEqual(workers.map(() => ({ told: 1, over: 1 })))
  },
)

test('its sessions ended at random, again and again: every job runs once', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { database } = own()
  const { workers, load } = await startAll(database)
  await using session = await openSession(database)
  const rounds = 20
  let ended = 0
  for (let round = 0; round < rounds; round += 1) {
    const victims = await session.query(
      `select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
       where application_name like 'jobtable:%' and random() < 0.5`,
    )
    ended += victims.length
    const done = load.accepted.length
    await until(
      session,
      "(select count(*) >= $1 from jobtable.job where status = 'completed')",
      [done],
      PATIENCE_MS,
    )
  }
  expect(ended).toBeGreaterThan(rounds)
  await load.stop()
  await allFinished(session, PATIENCE_MS)
  await expectAllDone(database, load.accepted)
  for (const { told, over } of await stopAll(workers)) {
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThanOrEqual(rounds)
    expect(over).toBe(told)
  }
})
