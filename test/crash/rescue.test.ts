import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { sqlStates } from '../../src/errors.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob, readJob } from '../support/job.ts'
import { allFinished, until } from '../support/worker.ts'

const database = useDatabase()

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const EXECUTORS = fileURLToPath(new URL('../support/executors', import.meta.url))
/** How long a worker is stopped: longer than its lease. */
const STOP_MS = Number(process.env['JOBTABLE_TEST_STOP_MS'] ?? 12_000)
/** What a worker that is killed may cost: three signs of life, and what a loaded machine adds. */
const FIRST_MS = 10_000
const PATIENCE_MS = STOP_MS + 120_000

const folder = mkdtempSync(join(tmpdir(), 'jobtable-crash-'))
const children = new Set<ChildProcess>()

beforeAll(async () => {
  await database().query(
    `create table told (
       job bigint, attempt integer, what text, said text, at timestamptz default clock_timestamp()
     )`,
  )
})

afterEach(async () => {
  for (const child of children) await end(child, 'SIGKILL')
  await database().query('truncate told')
  rmSync(folder, { recursive: true, force: true })
})

async function startProcess(type: string, ...args: string[]): Promise<ChildProcess> {
  const url = database().url
  const options = ['--database-url', url, '--executors', `${EXECUTORS}/${type}`]
  const child = spawn(
    process.execPath,
    [MAIN, 'worker', ...options, '--log-level', 'error', ...args],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, RECORD_DATABASE_URL: url } },
  )
  children.add(child)
  await until(
    database(),
    'exists (select from jobtable.worker where pid = $1 and lost_at is null)',
    [child.pid],
    PATIENCE_MS,
  )
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

async function insertMany(count: number, maxAttempts: number): Promise<void> {
  await database().query(
    `insert into jobtable.job (type, max_attempts, payload)
     select 'told', $2, jsonb_build_object('file', $3::text) from generate_series(1, $1::integer)`,
    [count, maxAttempts, join(folder, 'go')],
  )
}

test('kill -9 of a worker that holds 500 running jobs: all run again, and the first within 10 s', {
  timeout: PATIENCE_MS,
}, async () => {
  const dead = await startProcess('told', '--concurrency', '500')
  await insertMany(500, 2)
  await until(database(), "(select count(*) = 500 from told where what = 'begin')", [], PATIENCE_MS)
  await startProcess('told', '--concurrency', '100')
  const [killed] = await database().query<{ at: Date }>('select clock_timestamp() as at')
  await end(dead, 'SIGKILL')
  await allFinished(database(), PATIENCE_MS)
  const [again] = await database().query<{ first_ms: number; count: number }>(
    `select extract(epoch from min(at) - $1)::float8 * 1000 as first_ms,
       count(distinct job)::integer as count
     from told where what = 'begin' and attempt = 2`,
    [killed?.at],
  )
  expect(again?.count).toBe(500)
  expect(again?.first_ms).toBeLessThan(FIRST_MS)
  const rows = await database().query(
    `select status::text, attempt, count(*)::integer from jobtable.job group by 1, 2`,
  )
  expect(rows).toEqual([{ status: 'completed', attempt: 2, count: 500 }])
  const lost = await database().query(
    `select outcome, error_name, count(*)::integer from jobtable.job_attempt group by 1, 2`,
  )
  expect(lost).toEqual([{ outcome: 'lost', error_name: 'WorkerLostError', count: 500 }])
})

test('kill -9 with one attempt: the jobs have failed, and say that their worker was lost', {
  timeout: PATIENCE_MS,
}, async () => {
  await database().query('delete from jobtable.job')
  const dead = await startProcess('told', '--concurrency', '20')
  await insertMany(20, 1)
  await until(database(), "(select count(*) = 20 from told where what = 'begin')", [], PATIENCE_MS)
  await startProcess('told')
  await end(dead, 'SIGKILL')
  await allFinished(database(), PATIENCE_MS)
  const rows = await database().query(
    `select status::text, left(status_detail, 11) as detail, count(*)::integer
     from jobtable.job group by 1, 2`,
  )
  expect(rows).toEqual([{ status: 'failed', detail: 'worker lost', count: 20 }])
})

test('a job that keeps killing its worker ends failed', { timeout: PATIENCE_MS }, async () => {
  await database().query('delete from jobtable.job')
  const first = await startProcess('told')
  const id = await insertJob(database(), 'told', {
    max_attempts: 2,
    payload: { file: join(folder, 'never'), always: true },
  })
  await until(database(), '(select attempt = 1 from jobtable.job where id = $1)', [id], PATIENCE_MS)
  const second = await startProcess('told')
  await end(first, 'SIGKILL')
  await until(
    database(),
    "(select attempt = 2 and status = 'started' from jobtable.job where id = $1)",
    [id],
    PATIENCE_MS,
  )
  await startProcess('told')
  await end(second, 'SIGKILL')
  await allFinished(database(), PATIENCE_MS)
  expect(await readJob(database(), id)).toMatchObject({ status: 'failed', attempt: 2 })
})

test('SIGSTOP, rescue, SIGCONT: what the stale worker still writes is refused and changes nothing', {
  timeout: PATIENCE_MS,
}, async () => {
  await database().query('delete from jobtable.job')
  const stale = await startProcess('told', '--log-level', 'silent')
  const go = join(folder, 'go')
  rmSync(go, { force: true })
  const id = await insertJob(database(), 'told', { payload: { file: go } })
  await until(database(), "exists (select from told where what = 'begin')", [], PATIENCE_MS)
  stale.kill('SIGSTOP')
  await startProcess('told')
  await allFinished(database(), PATIENCE_MS)
  await sleep(STOP_MS)
  const story = async (): Promise<unknown> => ({
    job: await readJob(database(), id),
    progress: await database().query('select * from jobtable.job_progress where job = $1', [id]),
    logs: await database().query('select * from jobtable.job_log where job = $1', [id]),
    attempts: await database().query('select * from jobtable.job_attempt where job = $1', [id]),
  })
  const before = await story()
  expect(before).toMatchObject({ job: { status: 'completed', attempt: 2 } })
  mkdirSync(folder, { recursive: true })
  writeFileSync(go, '')
  stale.kill('SIGCONT')
  await until(
    database(),
    "(select count(*) = 2 from told where attempt = 1 and what in ('facet', 'transaction'))",
    [],
    PATIENCE_MS,
  )
  // Its outcome, progress and log lines have come to nothing by the time it has stopped.
  await end(stale, 'SIGTERM')
  expect(await story()).toEqual(before)
  const lost = sqlStates.find(({ name }) => name === 'lease_lost')?.code
  const said = await database().query(
    "select what, said from told where attempt = 1 and what <> 'begin' order by at",
  )
  expect(said).toEqual([
    { what: 'facet', said: lost },
    { what: 'transaction', said: lost },
  ])
})
