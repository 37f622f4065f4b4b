import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { defineExecutor } from '../../src/executor.ts'
import { LEASE_HEARTBEATS } from '../../src/heartbeat.ts'
import { endCommandsAfterEach, startCli } from '../support/cli.ts'
import { useDatabase } from '../support/database.ts'
import { faketimeLibrary } from '../support/faketime.ts'
import { insertJob, insertJobs, readJob } from '../support/job.ts'
import { isRequired } from '../support/required.ts'
import {
  allFinished,
  beats,
  cleanUpAfterEach,
  next,
  startWorker,
  until,
} from '../support/worker.ts'

const FOLDER = fileURLToPath(new URL('../support/executors', import.meta.url))
const HEARTBEAT_MS = 1_000
/** Long enough for whoever trusts the clock to take all others for dead. */
const BEATS = 3 * LEASE_HEARTBEATS
const PATIENCE_MS = 120_000
const TIMEOUT_MS = 2 * PATIENCE_MS

const database = useDatabase()
cleanUpAfterEach(database)
endCommandsAfterEach()

/** A worker process that lives by the server's own clock. */
async function startProcess(
  executors: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ReturnType<typeof startCli> & { readonly id: string }> {
  const worker = startCli(
    [
      'worker',
      '--database-url',
      database().url,
      '--executors',
      `${FOLDER}/${executors}`,
      '--heartbeat',
      String(HEARTBEAT_MS),
    ],
    { patienceMs: TIMEOUT_MS, env },
  )
  const started = JSON.parse(await worker.line('worker started')) as { readonly worker: string }
  return { ...worker, id: started.worker }
}

test.each([
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
])(
  "the database's clock is %s for some: who lives keeps his jobs, who is dead does not",
  {
    timeout: TIMEOUT_MS,
  },
  async (_what, offsetMs) => {
    const steady = await startProcess('.')
    const id = await insertJob(database(), 'hang')
    await until(database(), "(select status = 'started' from jobtable.job where id = $1)", [id])
    const before = await readJob(database(), id)
    const url = new URL(database().url)
    const now = new Date(Date.now() + offsetMs).toISOString()
    url.searchParams.set('options', `-c jobtable.now=${now}`)
    const moved = await startWorker(database(), {
      connectionString: url.href,
      heartbeatMs: HEARTBEAT_MS,
      executors: [defineExecutor({ type: 'watch', execute: () => undefined })],
    })
    const rescues: unknown[] = []
    moved.events.on('rescued', (...args) => rescues.push(args))
    // The clocks do disagree.
    await until(
      database(),
      `(select abs(extract(epoch from a.seen_at - b.seen_at)) > 3000
      from jobtable.worker a, jobtable.worker b where a.id = $1 and b.id = $2)`,
      [steady.id, moved.id],
    )
    await Promise.all(
      [steady.id, moved.id ?? ''].map(
        async (worker) => await beats(database(), worker, BEATS, PATIENCE_MS),
      ),
    )
    expect(rescues).toEqual([])
    expect(await readJob(database(), id)).toEqual(before)

    const rescued = next(moved, 'rescued', PATIENCE_MS)
    steady.child.kill('SIGKILL')
    expect(await rescued).toEqual([steady.id, 1])
  },
)

test.skipIf(faketimeLibrary === undefined && !isRequired('libfaketime')).each(['+1h', '-1h'])(
  "a worker's own clock is wrong by %s: jobs bear the database's times, and nobody is rescued",
  { timeout: TIMEOUT_MS },
  async (offset) => {
    const lost: unknown[] = []
    const right = await startWorker(database(), {
      heartbeatMs: HEARTBEAT_MS,
      executors: [defineExecutor({ type: 'watch', execute: () => undefined })],
    })
    right.events.on('rescued', (...args) => lost.push(args))
    const wrong = await startProcess('slow', {
      LD_PRELOAD: faketimeLibrary ?? 'libfaketime.so.1',
      FAKETIME: offset,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    })
    const [before] = await database().query<{ at: Date }>('select clock_timestamp() as at')
    await insertJobs(database(), 'slow', 20)
    await beats(database(), wrong.id, BEATS, PATIENCE_MS)
    await allFinished(database(), PATIENCE_MS)
    const rows = await database().query(
      `select status::text, attempt, count(*)::integer as jobs,
         bool_and(started_at >= $1 and finished_at >= started_at
           and finished_at <= clock_timestamp()) as timely
       from jobtable.job where type = 'slow' group by 1, 2`,
      [before?.at],
    )
    expect(rows).toEqual([{ status: 'completed', attempt: 1, jobs: 20, timely: true }])
    expect(lost).toEqual([])
    wrong.child.kill('SIGTERM')
    const { code, stderr } = await wrong.ended
    expect(code).toBe(0)
    expect(stderr).not.toContain('another worker is lost')
    // It did live in another hour.
    const told = JSON.parse(stderr.split('\n')[0] ?? '') as { readonly time: number }
    expect(Math.abs(told.time - (before?.at.getTime() ?? 0))).toBeGreaterThan(3_000_000)
  },
)
