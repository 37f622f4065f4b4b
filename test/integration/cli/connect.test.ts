import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEmbedded } from '../../../src/embedded.ts'
import { EXECUTORS, endCommandsAfterEach, runCli } from '../../support/cli.ts'
import { createDatabase, useDatabase } from '../../support/database.ts'
import { createTemporaryDir } from '../../support/temporary.ts'

const database = useDatabase()
endCommandsAfterEach()

const UNREACHABLE = 'postgres://user:hidden@127.0.0.1:1/nothing'

describe('where the database is', () => {
  test('--database-url before or after the command, then the environment in order', async () => {
    const { url } = database()
    const others = { JOBTABLE_DATABASE_URL: UNREACHABLE, DATABASE_URL: UNREACHABLE }
    expect((await runCli(['list', '--database-url', url], { env: others })).code).toBe(0)
    expect((await runCli(['--database-url', url, 'list'], { env: others })).code).toBe(0)
    const both = ['--database-url', UNREACHABLE, 'list', '--database-url', url]
    expect((await runCli(both)).code).toBe(0)
    const named = { JOBTABLE_DATABASE_URL: url, DATABASE_URL: UNREACHABLE }
    expect((await runCli(['list'], { env: named })).code).toBe(0)
    const libpq = new URL(url)
    const variables = {
      PGHOST: libpq.hostname,
      PGPORT: libpq.port,
      PGUSER: libpq.username,
      PGPASSWORD: libpq.password,
      PGDATABASE: libpq.pathname.slice(1),
    }
    expect((await runCli(['list'], { env: variables })).code).toBe(0)
  })

  test('--database-url before a command that takes several', async () => {
    const named = ['--database-url', database().url]
    const worker = ['worker', '--executors', EXECUTORS, '--until-empty']
    const { code, stderr } = await runCli([...named, ...worker])
    expect(stderr).toContain(`running jobs of database \\"${database().name}\\"`)
    expect(code).toBe(0)
  })

  test('nothing says where it is: exit code 2', async () => {
    const cwd = await createTemporaryDir()
    onTestFinished(async () => await rm(cwd, { recursive: true }))
    const { code, stderr } = await runCli(['list'], { cwd })
    expect(stderr).toContain('no database is named')
    expect(code).toBe(2)
  })

  test('something that is no URL: exit code 2, without repeating it', async () => {
    const { code, stderr } = await runCli(['list', '--database-url', 'user:hidden@host'])
    expect(stderr).toContain('--database-url is not a PostgreSQL URL')
    expect(stderr).not.toContain('hidden')
    expect(code).toBe(2)
  })

  test('the server of a data folder is found while it runs', async () => {
    const dir = await createTemporaryDir()
    const dataDir = join(dir, '.jobtable')
    const server = await startEmbedded({ dataDir, durable: false })
    onTestFinished(async () => {
      await server.stop('immediate')
      await rm(dir, { recursive: true })
    })
    const query = ['sql', 'select current_user', '--json']
    const user = [{ current_user: 'jobtable' }]
    expect(JSON.parse((await runCli(query, { cwd: dir })).stdout)).toEqual(user)
    expect(JSON.parse((await runCli([...query, '--data', dataDir])).stdout)).toEqual(user)
    await server.stop('immediate')
    const { code, stderr } = await runCli([...query, '--data', dataDir])
    expect(stderr).toContain('no server runs on the data folder')
    expect(code).toBe(3)
    const unnamed = await runCli(query, { cwd: dir })
    expect(unnamed.stderr).toContain('no server runs on the data folder .jobtable')
    expect(unnamed.stderr).toContain('hint: Start it: jobtable up\n')
    expect(unnamed.code).toBe(3)
  })
})

describe('cannot connect: exit code 3, with the place and without the password', () => {
  test.each([
    ['nobody listens', () => UNREACHABLE, 'database "nothing" at 127.0.0.1:1 (from DATABASE_URL)'],
    ['wrong password', () => withPassword('hidden'), 'password authentication failed'],
    ['no such database', () => `${database().url}_not`, 'does not exist'],
  ])('%s', async (_name, url, message) => {
    for (const command of [['list'], ['migrate'], ['sql', 'select 1'], ['doctor']]) {
      const { code, stderr } = await runCli(command, {
        env: { DATABASE_URL: url(), JOBTABLE_DEBUG: '1' },
      })
      expect(stderr).toContain(message)
      expect(stderr).not.toContain('hidden')
      expect(code).toBe(3)
    }
  })

  function withPassword(password: string): string {
    const url = new URL(database().url)
    url.password = password
    return url.href
  }
})

describe('a database of another version', () => {
  test('exit code 4 of a command that needs its own or misses something, 0 of one that finds all', async () => {
    await using older = await createDatabase()
    await older.query('delete from jobtable_internal.migration where version > 6')
    await older.query('drop view jobtable.why_waiting_by_type, jobtable.job_counts')
    const env = { DATABASE_URL: older.url }
    const run = async (...command: string[]): Promise<number | null> =>
      (await runCli(command, { env })).code
    const executors = ['--executors', 'executors']
    expect(await run('register', ...executors)).toBe(4)
    expect(await run('worker', ...executors)).toBe(4)
    expect(await run('status')).toBe(4)
    expect(await run('list')).toBe(0)
  })
})

describe('migrate, and a database without jobtable', () => {
  test('exit code 4 until it has been migrated', async () => {
    await using empty = await createDatabase({ empty: true })
    const env = { DATABASE_URL: empty.url }
    for (const command of [['list'], ['status'], ['submit', 'x'], ['show', '1']]) {
      const { code, stderr } = await runCli(command, { env })
      expect(stderr).toContain('is not installed; run "jobtable migrate"')
      expect(code).toBe(4)
    }
    const dry = await runCli(['migrate', '--dry-run'], { env })
    expect(dry.stdout).toContain('migrations/0001_job_type.sql\n')
    expect((await runCli(['list'], { env })).code).toBe(4)

    const done = await runCli(['migrate', '--json'], { env })
    expect(done.code).toBe(0)
    expect(JSON.parse(done.stdout)).toMatchObject({ found: 'missing' })
    expect(await runCli(['list'], { env })).toMatchObject({ code: 0, stderr: 'no jobs\n' })
    const again = await runCli(['migrate'], { env })
    expect(again.code).toBe(0)
    expect(again.stderr).toContain('is up to date')
  })

  test('--sql prints a script that does the same', async () => {
    await using empty = await createDatabase({ empty: true })
    const env = { DATABASE_URL: empty.url }
    const { code, stdout } = await runCli(['migrate', '--sql'], { env })
    expect(code).toBe(0)
    expect((await runCli(['sql'], { env, stdin: stdout })).code).toBe(0)
    expect((await runCli(['migrate', '--dry-run', '--json'], { env })).stdout).toContain('"ok"')
  })
})

describe('usage', () => {
  test('--version and --help: exit code 0, on standard output', async () => {
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+/)
    const help = await runCli(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('Exit codes:')
  })

  test.each([
    [['--database-url', 'postgres://x/y', 'up']],
    [['nonsense']],
    [['list', '--nonsense']],
    [['show']],
    [['show', 'x']],
    [[]],
  ])('%j: exit code 2', async (args) => {
    expect(await runCli(args)).toMatchObject({ code: 2, stdout: '' })
  })
})
