import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  type CliResult,
  EXECUTORS,
  endCommandsAfterEach,
  type RunningCli,
  runCli,
  startCli,
} from '../../support/cli.ts'
import { createDatabase, useDatabase } from '../../support/database.ts'
import { addTypes, insertJob, insertJobs, readJob, statusOf } from '../../support/job.ts'
import { createTemporaryDir } from '../../support/temporary.ts'
import { until } from '../../support/worker.ts'

const database = useDatabase()
endCommandsAfterEach()

const env = (): Record<string, string> => ({ DATABASE_URL: database().url })

const start = (...args: string[]): RunningCli =>
  startCli(['worker', '--executors', EXECUTORS, ...args], { env: env() })

const run = async (...args: string[]): Promise<CliResult> => await start(...args).ended

beforeEach(async () => {
  await runCli(['register', '--executors', EXECUTORS], { env: env() })
})

/** Waits until the executor of a job that hangs has begun: its first progress tells. */
async function begun(id: string): Promise<void> {
  await until(database(), 'exists (select from jobtable.job_progress where job = $1)', [id])
}

describe('--until-empty', () => {
  test('runs what there is and ends', async () => {
    const ids = await insertJobs(database(), 'echo', 50)
    expect(await run('--until-empty')).toMatchObject({ code: 0, stdout: '' })
    for (const id of ids) expect(await statusOf(database(), id)).toBe('completed')
  })

  test('ends at once if there is nothing, or nothing yet', async () => {
    await insertJob(database(), 'echo', { run_at: '2099-01-01' })
    expect((await run('--until-empty')).code).toBe(0)
  })

  test('exit code 1 if a job failed', async () => {
    const id = await insertJob(database(), 'fail')
    const { code, stderr } = await run('--until-empty')
    expect(code).toBe(1)
    expect(stderr).toContain('1 job failed')
    expect(await statusOf(database(), id)).toBe('failed')
  })
})

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s lets a running job end, gives back what has not begun: exit code 0',
    async (signal) => {
      // Both are there before the worker looks: it takes ahead what it sees beside what it begins.
      const [first = '', second = ''] = await insertJobs(database(), 'hang', 2)
      const worker = start('--concurrency', '1', '--prefetch', '5')
      await begun(first)
      await until(
        database(),
        "exists (select from jobtable.job where id = $1 and status = 'queued')",
        [second],
      )
      worker.child.kill(signal)
      await worker.line('stopping: running jobs have 30 s')
      await until(
        database(),
        "exists (select from jobtable.job where id = $1 and status = 'new')",
        [second],
      )
      expect(await statusOf(database(), first)).toBe('started')
      await database().query('update jobtable.job set cancel_requested = true where id = $1', [
        first,
      ])
      expect((await worker.ended).code).toBe(0)
      expect(await readJob(database(), first)).toMatchObject({ status: 'cancelled', attempt: 1 })
      await database().query('delete from jobtable.job where id = $1', [second])
    },
  )

  test('the grace period over, a running job is given back without cost', async () => {
    const worker = start('--grace', '0')
    const id = await insertJob(database(), 'hang')
    await begun(id)
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
    expect(await readJob(database(), id)).toMatchObject({ status: 'new', uncharged: 1 })
    await database().query('delete from jobtable.job where id = $1', [id])
  })

  test('a second signal stops running jobs at once', async () => {
    const worker = start()
    const id = await insertJob(database(), 'hang')
    await begun(id)
    worker.child.kill('SIGINT')
    await worker.line('stopping: running jobs have 30 s')
    const hurried = worker.line('stopping at once')
    // Two signals of one moment count as one.
    const insisting = setInterval(() => worker.child.kill('SIGINT'), 50)
    await hurried
    clearInterval(insisting)
    expect((await worker.ended).code).toBe(0)
    expect(await statusOf(database(), id)).toBe('new')
    await database().query('delete from jobtable.job where id = $1', [id])
  })
})

describe('an executor that is out of hand', () => {
  test('rejects where nobody waits: told, and nothing else happens', async () => {
    const worker = start()
    const id = await insertJob(database(), 'stray', { payload: { reject: true } })
    await worker.line('stray rejection')
    await until(
      database(),
      "exists (select from jobtable.job where id = $1 and status = 'completed')",
      [id],
    )
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
  })

  test('throws where nobody catches it: the worker stops gracefully with exit code 1', async () => {
    const worker = start()
    const id = await insertJob(database(), 'stray')
    await worker.line('stray error')
    expect((await worker.ended).code).toBe(1)
    expect(await statusOf(database(), id)).toBe('completed')
  })
})

describe('log', () => {
  test('is JSON where there is no terminal: start, listening, a failed attempt', async () => {
    const worker = start()
    await worker.line('"msg":"listening: jobs are picked up at once"')
    const id = await insertJob(database(), 'fail', { payload: { message: 'bad luck' } })
    const line = await worker.line('"msg":"attempt 1 failed"')
    expect(JSON.parse(line)).toMatchObject({
      level: 40,
      job: id,
      type: 'fail',
      attempt: 1,
      detail: 'RangeError: bad luck',
    })
    worker.child.kill('SIGTERM')
    const { stdout, stderr } = await worker.ended
    expect(stdout).toBe('')
    for (const text of stderr.trim().split('\n')) JSON.parse(text)
  })

  test.each(['none', 'process'])(
    'has each name once, whatever an executor calls its fields (isolation %s)',
    async (isolation) => {
      const folder = await createTemporaryDir()
      onTestFinished(async () => await rm(folder, { recursive: true }))
      await writeFile(
        join(folder, 'clash.ts'),
        `import { defineExecutor } from 'jobtable'
         export default defineExecutor({
           type: 'clash',
           isolation: '${isolation}',
           execute: ({ log }) => {
             log.info('clash', { pid: 1, msg: 'm', level: 'l', time: 't', job: 'j', type: 'x', n: 2 })
           },
         })`,
      )
      await runCli(['register', '--executors', folder], { env: env() })
      const job = await insertJob(database(), 'clash')
      const { stderr } = await runCli(['worker', '--until-empty', '--executors', folder], {
        env: env(),
      })
      const line =
        stderr.split('\n').find((text) => text.includes('clash"') && text.includes('"n":2')) ?? ''
      const names = Array.from(line.matchAll(/"(\w+)":/g), ([, name]) => name)
      expect(new Set(names).size).toBe(names.length)
      expect(JSON.parse(line)).toMatchObject({
        level: 30,
        msg: 'clash',
        job,
        type: 'clash',
        n: 2,
        pid_: 1,
        msg_: 'm',
        level_: 'l',
        time_: 't',
      })
    },
  )

  test('tells an outage once, and its end', async () => {
    const worker = start('--poll', '20', '--no-listen')
    await worker.line('worker started')
    await database().query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'jobtable:worker'`)
    await worker.line('trouble with the database')
    await worker.line('the database answers again')
    worker.child.kill('SIGTERM')
    const { stderr } = await worker.ended
    expect(stderr.match(/trouble with the database/g)).toHaveLength(1)
    expect(stderr).not.toContain('listening')
  })

  test('tells why nobody wakes it', async () => {
    const elsewhere = new URL(database().url)
    elsewhere.port = '1'
    const worker = start('--listen-url', elsewhere.href)
    expect(await worker.line('wake-ups do not arrive')).toContain('ECONNREFUSED')
    worker.child.kill('SIGTERM')
    expect((await worker.ended).stderr).not.toContain(elsewhere.password)
  })
})

describe('refuses to start', () => {
  test.each([
    [['--executors', '/nowhere'], 2, 'the folder of executors /nowhere cannot be read'],
    [['--executors', EXECUTORS, '--concurrency', '0'], 2, 'whole number from 1'],
    [['--executors', EXECUTORS, '--grace', '-1'], 2, 'must be a number, 0 or more'],
    [['--executors', EXECUTORS, EXECUTORS], 2, 'is defined in'],
    [[], 2, "required option '--executors <dir...>' not specified"],
  ])('%j', async (args, code, message) => {
    const result = await runCli(['worker', ...args], { env: env() })
    expect(result.stderr).toContain(message)
    expect(result.code).toBe(code)
  })
})

test('types of other workers are left to them', async () => {
  await addTypes(database(), 'foreign')
  const id = await insertJob(database(), 'foreign')
  expect((await run('--until-empty')).code).toBe(0)
  expect(await statusOf(database(), id)).toBe('new')
})

describe('several databases', () => {
  test('are served by one process, each by its name in the log', async () => {
    await using other = await createDatabase()
    const urls = ['--database-url', database().url, '--database-url', other.url]
    await runCli(['register', '--executors', EXECUTORS, '--database-url', other.url])
    const here = await insertJobs(database(), 'echo', 3)
    const there = await insertJobs(other, 'echo', 3)
    const { code, stderr } = await run('--until-empty', ...urls)
    expect(code).toBe(0)
    for (const id of here) expect(await statusOf(database(), id)).toBe('completed')
    for (const id of there) expect(await statusOf(other, id)).toBe('completed')
    expect(stderr).toContain(other.name)
  })

  test('want a URL to LISTEN at each, or none', async () => {
    const twice = ['--database-url', database().url, '--database-url', database().url]
    const { code, stderr } = await run(...twice, '--listen-url', database().url)
    expect(code).not.toBe(0)
    expect(stderr).toContain('--listen-url is given 1 times for 2 databases')
  })

  test('one that cannot be reached ends the command before any job runs', async () => {
    const id = await insertJob(database(), 'echo')
    const missing = new URL(database().url)
    missing.pathname = '/missing'
    const { code, stderr } = await run(
      '--database-url',
      database().url,
      '--database-url',
      missing.href,
    )
    expect(code).not.toBe(0)
    expect(stderr).toContain('"missing"')
    expect(await statusOf(database(), id)).toBe('new')
    await database().query('delete from jobtable.job where id = $1', [id])
  })
})
