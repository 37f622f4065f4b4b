import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineExecutor } from '../../src/executor.ts'
import { LEASE_HEARTBEATS } from '../../src/heartbeat.ts'
import { DEFAULT_ABORT_GRACE_MS, type Worker } from '../../src/worker.ts'
import { endCommandsAfterEach, type RunningCli, startCli } from '../support/cli.ts'
import { useDatabase } from '../support/database.ts'
import { insertJob, readJob } from '../support/job.ts'
import {
  allFinished,
  beats,
  cleanUpAfterEach,
  next,
  startWorker,
  until,
} from '../support/worker.ts'

const EXECUTORS = fileURLToPath(new URL('../support/executors/busy', import.meta.url))
const HEARTBEAT_MS = 1_000
const PATIENCE_MS = 120_000
const TIMEOUT_MS = 2 * PATIENCE_MS

const database = useDatabase()
cleanUpAfterEach(database)
endCommandsAfterEach()

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jobtable-busy-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A worker process whose executors compute until the file is there, and another that watches it. */
async function startBoth(): Promise<{ busy: RunningCli; id: string; watch: Worker }> {
  const args = ['--database-url', database().url, '--executors', EXECUTORS]
  const busy = startCli(['worker', ...args, '--heartbeat', String(HEARTBEAT_MS)], {
    patienceMs: TIMEOUT_MS,
  })
  const started = JSON.parse(await busy.line('worker started')) as { readonly worker: string }
  const watch = await startWorker(database(), {
    heartbeatMs: HEARTBEAT_MS,
    executors: [defineExecutor({ type: 'watch', execute: () => undefined })],
  })
  return { busy, id: started.worker, watch }
}

test('an executor that computes for longer than the lease keeps its jobs', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { busy, id, watch } = await startBoth()
  const rescued: unknown[] = []
  watch.events.on('rescued', (...args) => rescued.push(args))
  const payload = { file: join(folder, 'go') }
  // The second waits in the same process for the thread that the first does not give away.
  const jobs = [
    await insertJob(database(), 'busy', { payload }),
    await insertJob(database(), 'busy', { payload }),
  ]
  await until(
    database(),
    "exists (select from jobtable.job where type = 'busy' and status = 'started')",
    [],
    PATIENCE_MS,
  )
  await beats(database(), id, 3 * LEASE_HEARTBEATS, PATIENCE_MS)
  expect(rescued).toEqual([])
  writeFileSync(payload.file, '')
  await allFinished(database(), PATIENCE_MS)
  for (const job of jobs) {
    expect(await readJob(database(), job)).toMatchObject({ status: 'completed', attempt: 1 })
  }
  expect(rescued).toEqual([])
  busy.child.kill('SIGTERM')
  expect(await busy.ended).toMatchObject({ code: 0 })
})

test('one whose timeout and grace period are over is taken for lost, and its worker goes on', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { busy, id, watch } = await startBoth()
  const timeoutMs = 1_000
  const payload = { file: join(folder, 'go') }
  const rescued = next(watch, 'rescued', PATIENCE_MS)
  const job = await insertJob(database(), 'busy', { payload, timeout: `${timeoutMs} ms` })
  expect(await rescued).toEqual([id, 1])
  const [lost] = await database().query<{ ran_ms: number }>(
    `select status::text, left(status_detail, 11) as detail,
       extract(epoch from failed_at - started_at)::float8 * 1000 as ran_ms
     from jobtable.job where id = $1`,
    [job],
  )
  expect(lost).toMatchObject({ status: 'failed', detail: 'worker lost' })
  expect(lost?.ran_ms).toBeGreaterThan(timeoutMs + DEFAULT_ABORT_GRACE_MS)

  writeFileSync(payload.file, '')
  await busy.line('the outcome was refused')
  const after = await insertJob(database(), 'busy', { payload })
  await allFinished(database(), PATIENCE_MS)
  expect(await readJob(database(), after)).toMatchObject({ status: 'completed', attempt: 1 })
  expect(await readJob(database(), job)).toMatchObject({ status: 'failed', attempt: 1 })
  busy.child.kill('SIGTERM')
  expect(await busy.ended).toMatchObject({ code: 0 })
})
