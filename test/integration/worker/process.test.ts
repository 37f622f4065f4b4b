import { fileURLToPath } from 'node:url'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../../src/embedded/process.ts'
import { defineExecutor, type Executor } from '../../../src/executor.ts'
import { loadExecutors } from '../../../src/loader.ts'
import { loggerTo } from '../../../src/log.ts'
import { Worker } from '../../../src/worker.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob } from '../../support/job.ts'
import { allFinished, cleanUpAfterEach, startWorker, until } from '../../support/worker.ts'

const EXECUTORS = fileURLToPath(new URL('../../support/executors/isolated', import.meta.url))

const database = useDatabase()
cleanUpAfterEach(database)

let executors: readonly Executor[]

beforeAll(async () => {
  executors = await loadExecutors(EXECUTORS)
  await database().query('create table effect (text text)')
  await database().query(
    `create table told (
       job bigint primary key references jobtable.job (id) on delete cascade, n integer, text text)`,
  )
})

beforeEach(async () => {
  await database().query('delete from effect')
})

/** Everything that is in the database of a job when it has ended, but for what differs by nature. */
async function story(id: string): Promise<Record<string, unknown>> {
  const [row] = await database().query<{ story: Record<string, unknown> }>(
    `select jsonb_build_object(
       'status', r.status, 'detail', r.status_detail, 'result', case jsonb_typeof(r.result) when 'object' then r.result #- '{job}' else r.result end,
       'attempts', (select jsonb_agg(jsonb_build_array(a.outcome, a.error_name, a.error_message,
          split_part(a.error_cause, E'\\n', 1)) order by a.n)
         from jobtable.job_attempt a where a.job = r.id),
       'progress', (select jsonb_build_array(p.fraction, p.stage, p.message)
         from jobtable.job_progress p where p.job = r.id),
       'log', (select jsonb_agg(jsonb_build_array(l.level, l.message, l.fields) order by l.id)
         from jobtable.job_log l where l.job = r.id),
       'told', (select jsonb_build_array(t.n, t.text) from told t where t.job = r.id),
       'effects', (select jsonb_agg(e.text) from effect e)
     ) as story
     from jobtable.job_report r where r.id = $1`,
    [id],
  )
  return row?.story ?? {}
}

async function run(type: string, payload: object): Promise<Record<string, unknown>> {
  const id = await insertJob(database(), type, { payload })
  await allFinished(database())
  return await story(id)
}

async function runFault(fault: string): Promise<Record<string, unknown>> {
  await startWorker(database(), { executors })
  return await run('faults', { fault })
}

/** The processes that a running job has told of in its progress. */
async function toldProcesses(id: string): Promise<[number, number]> {
  await until(
    database(),
    'exists (select from jobtable.job_progress where job = $1 and message is not null)',
    [id],
  )
  const [row] = await database().query<{ message: string }>(
    'select message from jobtable.job_progress where job = $1',
    [id],
  )
  const processes: [number, number] = JSON.parse(row?.message ?? '')
  return processes
}

describe('an executor in a process of its own does as it does inside', () => {
  test.each([
    ['tell', 'completed'],
    ['flood', 'completed'],
    ['nothing', 'completed'],
    ['throw', 'failed'],
    ['throwText', 'failed'],
    ['facet', 'completed'],
    ['wrongFields', 'failed'],
    ['unseen', 'failed'],
    ['seen', 'completed'],
    ['range', 'failed'],
    ['transaction', 'completed'],
    ['rollback', 'failed'],
    ['twice', 'completed'],
  ])('%s: %s', async (task, status) => {
    await startWorker(database(), { executors })
    const inside = await run('inside', { task })
    await database().query('delete from effect')
    const isolated = await run('isolated', { task })
    expect(isolated).toEqual(inside)
    expect(isolated['status']).toBe(status)
  })

  test('a payload that does not fit in what the database cannot check', async () => {
    await startWorker(database(), { executors })
    const inside = await run('inside', { task: 'none' })
    expect(await run('isolated', { task: 'none' })).toEqual(inside)
    expect(inside).toMatchObject({ status: 'failed', detail: expect.stringContaining('task') })
  })
})

describe('a process that dies fails its attempt', () => {
  test('by an exit code, with its last lines on standard error', async () => {
    const { status, detail, attempts } = await runFault('exit')
    expect({ status, detail }).toEqual({
      status: 'failed',
      detail: expect.stringMatching(
        /^ProcessError: the process of job \d+ ended with exit code 3 before its executor had ended; it said last:$/,
      ),
    })
    const [[, name, message]] = attempts as [[string, string, string]]
    expect(name).toBe('ProcessError')
    const said = message.split('\n').slice(1)
    expect(said).toEqual(Array.from({ length: 20 }, (_, n) => `  line ${n + 11}`))
  })

  test('by a signal', async () => {
    expect(await runFault('segv')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('was ended by SIGSEGV'),
    })
  })

  test('by an error that nobody catches, with that', async () => {
    expect(await runFault('stray')).toMatchObject({
      status: 'failed',
      detail: 'RangeError: out of a timer',
    })
  })

  test.runIf(process.platform === 'linux')('by more memory than it may use', async () => {
    expect(await runFault('grow')).toMatchObject({
      status: 'failed',
      detail: expect.stringMatching(
        /used too much memory, (2[5-9]\d|[3-9]\d\d) MB, of at most 256 MB/,
      ),
    })
  })

  test('by a full heap', async () => {
    expect(await runFault('fill')).toMatchObject({
      status: 'failed',
      detail: expect.stringMatching(/memory.* of at most 256 MB/),
    })
  })

  test('by not being started at all, and leaves its slot to others', async () => {
    const worker = await startWorker(database(), { executors, concurrency: 1 })
    const { execPath } = process
    process.execPath = '/nowhere/node'
    try {
      expect(await run('isolated', { task: 'nothing' })).toMatchObject({
        status: 'failed',
        detail: expect.stringMatching(
          /^ProcessError: the process of job \d+ could not be started: spawn \/nowhere\/node ENOENT$/,
        ),
      })
    } finally {
      process.execPath = execPath
    }
    expect(await run('isolated', { task: 'nothing' })).toMatchObject({ status: 'completed' })
    await worker.stop()
  })
})

describe('a process is ended with all that it has started', () => {
  test('when its executor is deaf to a cancel', async () => {
    await startWorker(database(), { executors, abortGraceMs: 300 })
    const id = await insertJob(database(), 'faults', { payload: { fault: 'deaf' } })
    const processes = await toldProcesses(id)
    expect(processes.map(isAlive)).toEqual([true, true])
    await database().query('update jobtable.job set cancel_requested = true where id = $1', [id])
    await allFinished(database())
    expect(await story(id)).toMatchObject({
      status: 'cancelled',
      attempts: [
        ['cancelled', 'ProcessError', expect.stringContaining('did not stop'), expect.anything()],
      ],
    })
    expect(processes.map(isAlive)).toEqual([false, false])
  })

  test('when its executor is deaf to the end of its worker', async () => {
    const worker = await startWorker(database(), { executors, abortGraceMs: 300 })
    const id = await insertJob(database(), 'faults', { payload: { fault: 'deaf' } })
    const processes = await toldProcesses(id)
    await worker.stop()
    expect(await story(id)).toMatchObject({ status: 'new' })
    await expect.poll(() => processes.map(isAlive), { timeout: 10_000 }).toEqual([false, false])
  })

  test('when its executor has returned', async () => {
    await startWorker(database(), { executors })
    const id = await insertJob(database(), 'faults', { payload: { fault: 'leave' } })
    await allFinished(database())
    expect(await story(id)).toMatchObject({ status: 'completed' })
    expect((await toldProcesses(id)).map(isAlive)).toEqual([false, false])
  })
})

test('a cancel reaches the signal, with its reason', async () => {
  await startWorker(database(), { executors })
  const id = await insertJob(database(), 'isolated', { payload: { task: 'listen' } })
  await until(database(), 'exists (select from jobtable.job_log where job = $1)', [id])
  await database().query('update jobtable.job set cancel_requested = true where id = $1', [id])
  await allFinished(database())
  const { status, log } = await story(id)
  expect(status).toBe('cancelled')
  const reason = `CancelledError JT018 job ${id} was asked to stop by `
  expect(log).toContainEqual(['info', expect.stringMatching(`^${reason}`), null])
})

test('messages that are not ours are nobody’s concern', async () => {
  expect(await runFault('foreign')).toMatchObject({
    status: 'completed',
    result: 'mine',
    told: null,
  })
})

test('what a process prints goes to the worker’s log', async () => {
  const lines: unknown[] = []
  const log = loggerTo((level, message, fields) => lines.push({ level, message, ...fields }))
  await startWorker(database(), { executors, log })
  const id = await insertJob(database(), 'faults', { payload: { fault: 'print' } })
  await allFinished(database())
  const common = { level: 'info', job: id, type: 'faults' }
  expect(lines).toContainEqual({ ...common, message: 'to stdout', stream: 'stdout' })
  expect(lines).toContainEqual({ ...common, message: 'to stderr', stream: 'stderr' })
})

test('a process that dies after its commit has completed its job', async () => {
  const worker = await startWorker(database(), { executors })
  const outcomes: unknown[] = []
  worker.events.on('ended', (_job, outcome) => outcomes.push(outcome))
  expect(await run('isolated', { task: 'commitAndDie' })).toMatchObject({
    status: 'completed',
    result: 'committed',
    effects: ['kept'],
    attempts: null,
  })
  await worker.stop()
  expect(outcomes).toEqual([])
})

test('an executor that was not loaded from a file is refused', () => {
  const executor = defineExecutor({ type: 'homeless', isolation: 'process', execute: () => 1 })
  expect(() => new Worker({ executors: [executor] })).toThrow(
    /"homeless".*load it with loadExecutors/,
  )
})

test('a limit of memory without a process is refused', () => {
  expect(() => defineExecutor({ type: 'limited', memoryMb: 256, execute: () => 1 })).toThrow(
    /memoryMb: can be limited only with isolation: 'process'/,
  )
})
