import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { allFinished, until } from '../../support/worker.ts'

const database = useDatabase()

const WORKERS = 10
/** A run over several versions of PostgreSQL proves the same with fewer. */
const JOBS = process.env['JOBTABLE_TEST_BIN'] === undefined ? 100_000 : 10_000
/** Two cores need some 20 s; a machine that is busy otherwise may take long. */
const PATIENCE_MS = 300_000
const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const EXECUTORS = fileURLToPath(new URL('../../support/executors', import.meta.url))

const children = new Set<ChildProcess>()

afterEach(async () => {
  await Promise.all(Array.from(children, stop))
  await database().query('delete from jobtable.job')
})

test(`${WORKERS} worker processes run ${JOBS} jobs, each exactly once, and every one takes part`, {
  timeout: PATIENCE_MS,
}, async () => {
  await database().query('create table run_record (job bigint, attempt integer, pid integer)')
  for (let i = 0; i < WORKERS; i += 1) startProcess('record', '--concurrency', '50')
  const started = '(select count(*) = $1 from jobtable.worker)'
  await until(database(), started, [WORKERS], PATIENCE_MS)
  await database().query(
    "insert into jobtable.job (type) select 'record' from generate_series(1, $1::integer)",
    [JOBS],
  )
  await allFinished(database(), PATIENCE_MS)
  const [counts] = await database().query(
    `select count(*)::integer as runs, count(distinct job)::integer as jobs,
       count(distinct pid)::integer as pids, max(attempt) as attempts
     from run_record`,
  )
  expect(counts).toEqual({ runs: JOBS, jobs: JOBS, pids: WORKERS, attempts: 1 })
})

test('SIGTERM gives back what has not begun, lets the rest finish, and leaves nothing started', async () => {
  const child = startProcess('slow', '--concurrency', '5', '--prefetch', '5', '--grace', '20000')
  await until(database(), "exists (select from jobtable.job_type where name = 'slow')")
  await database().query(
    "insert into jobtable.job (type) select 'slow' from generate_series(1, 30)",
  )
  await until(database(), "(select count(*) >= 5 from jobtable.job where status = 'completed')")
  expect(await stop(child)).toBe(0)
  const [counts] = await database().query(
    `select count(*) filter (where status in ('queued', 'started'))::integer as held,
       bool_and(attempt = 0) filter (where status = 'new') as untouched,
       count(*) filter (where status = 'completed') >= 5 as finished
     from jobtable.job`,
  )
  expect(counts).toEqual({ held: 0, untouched: true, finished: true })
})

function startProcess(type: string, ...args: string[]): ChildProcess {
  const child = spawn(
    process.execPath,
    [
      MAIN,
      'worker',
      '--database-url',
      database().url,
      '--executors',
      `${EXECUTORS}/${type}`,
      '--log-level',
      'warn',
      ...args,
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, RECORD_DATABASE_URL: database().url },
    },
  )
  children.add(child)
  return child
}

async function stop(child: ChildProcess): Promise<number | null> {
  children.delete(child)
  if (child.exitCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  return child.exitCode
}
