// The one place that decides which PostgreSQL the tests use.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { type EmbeddedServer, type StopMode, startEmbedded } from '../../src/embedded.ts'
import { findDocker } from './docker.ts'
import { dropDatabase } from './drop-database.ts'
import { freePort } from './port.ts'
import { createTemporaryDir } from './temporary.ts'

/** What a test is told of the server; plain data, since tests run in other processes. */
export interface TestServer {
  readonly kind: 'given' | 'container' | 'embedded'
  /** For people: what it is, where, and which version. */
  readonly description: string
  /** As the ordinary role that owns the tests' databases: CREATEDB, nothing else. */
  readonly url: string
  /** As a superuser; undefined where none is to be had. */
  readonly adminUrl: string | undefined
  /** Begins the name of every database of this run. */
  readonly prefix: string
}

/** A server, and how to be rid of it. */
export interface RunningServer extends AsyncDisposable {
  readonly server: TestServer
}

/** A server that a test may stop and start again: with its data, at the same address. */
export interface PrivateServer extends RunningServer {
  readonly dataDir: string
  /** To an empty database, as the ordinary role that owns it. */
  readonly url: string
  /** Kept over restarts. */
  readonly port: number
  stop(mode: StopMode): Promise<void>
  /** Returns when it accepts connections; also if it runs already. */
  start(): Promise<void>
  /**
   * Serves a copy of the stopped server's data at another port, as a standby does that is promoted: with
   * all that was committed.
   */
  promote(): Promise<PromotedServer>
}

export interface PromotedServer extends AsyncDisposable {
  readonly port: number
}

export interface PrivateServerOptions {
  /** Whether fsync is on. Default false. */
  readonly durable?: boolean
  readonly settings?: Readonly<Record<string, string>>
  /** Its folder, which the caller removes. Default: a temporary one. */
  readonly dataDir?: string
}

declare module 'vitest' {
  interface ProvidedContext {
    server: TestServer
  }
}

const TEST_ROLE = 'jobtable_test'
const CONTAINER_IMAGE = 'postgres:18'

const SETTINGS = {
  max_connections: '200',
  // For the tests of two-phase commit.
  max_prepared_transactions: '10',
}

/** Vitest's global setup: one server for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = await startServer()
  console.log(`tests use ${running.server.description}`)
  project.provide('server', running.server)
  return async () => await running[Symbol.asyncDispose]()
}

/** The server that the environment asks for, or the best that this machine can run. */
async function startServer(): Promise<RunningServer> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) return await useGiven(given)
  if (!process.env['JOBTABLE_TEST_BIN'] && (await findDocker()) !== undefined) {
    return await startContainer()
  }
  return await startPrivateServer()
}

/**
 * An embedded server in a temporary folder, removed with it. Tests that crash a server start one of
 * their own.
 */
export async function startPrivateServer(
  options: PrivateServerOptions = {},
): Promise<PrivateServer> {
  const dataDir = options.dataDir ?? (await createTemporaryDir())
  const removeDir = async (): Promise<void> => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const binDir = process.env['JOBTABLE_TEST_BIN']
    const launch = async (dir: string, port?: number): Promise<EmbeddedServer> =>
      await startEmbedded({
        dataDir: dir,
        durable: options.durable ?? false,
        settings: { ...SETTINGS, ...options.settings },
        ...(binDir ? { binDir } : {}),
        ...(port === undefined ? {} : { port }),
      })
    let embedded = await launch(dataDir)
    return {
      server: await describe('embedded', `embedded in ${dataDir}`, embedded.adminUrl),
      dataDir,
      url: embedded.url,
      port: Number(new URL(embedded.url).port),
      stop: async (mode) => await embedded.stop(mode),
      start: async () => {
        embedded = await launch(dataDir)
      },
      promote: async () => {
        await using stack = new AsyncDisposableStack()
        const dir = await createTemporaryDir()
        stack.defer(async () => await rm(dir, { recursive: true, force: true }))
        // With its owner, who runs the server.
        await promisify(execFile)('cp', ['-a', `${dataDir}/.`, dir])
        const port = await freePort()
        const promoted = await launch(dir, port)
        stack.defer(async () => await promoted.stop('immediate'))
        const kept = stack.move()
        return { port, [Symbol.asyncDispose]: async () => await kept.disposeAsync() }
      },
      [Symbol.asyncDispose]: async () => {
        await embedded.stop('immediate')
        await removeDir()
      },
    }
  } catch (error) {
    await removeDir()
    throw error
  }
}

async function startContainer(): Promise<RunningServer> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const settings = Object.entries({ ...SETTINGS, fsync: 'off', full_page_writes: 'off' })
  const container = await new PostgreSqlContainer(CONTAINER_IMAGE)
    .withCommand(['postgres', ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    .start()
  const server = await describe(
    'container',
    `a container of ${CONTAINER_IMAGE}`,
    container.getConnectionUri(),
  )
  return {
    server,
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  }
}

async function useGiven(url: string): Promise<RunningServer> {
  const server = await describe('given', 'TEST_DATABASE_URL', url)
  return {
    server,
    [Symbol.asyncDispose]: async () => await removeTraces(url, server),
  }
}

/** Gives the tests an ordinary role where `url` is a superuser's, and that of `url` where it is not. */
async function describe(kind: TestServer['kind'], place: string, url: string): Promise<TestServer> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ version: string; superuser: boolean }>(
      `select current_setting('server_version') as version, rolsuper as superuser
       from pg_catalog.pg_roles where rolname = current_user`,
    )
    const superuser = rows[0]?.superuser ?? false
    const prefix = `${TEST_ROLE}_${randomBytes(3).toString('hex')}`
    // On a server that outlives the run another run may be at work, so it needs a role of its own.
    const role = kind === 'given' ? prefix : TEST_ROLE
    return {
      kind,
      description: `PostgreSQL ${rows[0]?.version}, ${place}`,
      url: superuser ? await createRole(client, url, role) : url,
      adminUrl: superuser ? url : undefined,
      prefix,
    }
  })
}

async function createRole(client: pg.Client, adminUrl: string, role: string): Promise<string> {
  const password = randomBytes(12).toString('hex')
  await client.query(`create role ${role} login createdb password '${password}'`)
  const url = new URL(adminUrl)
  url.username = role
  url.password = password
  return url.href
}

async function removeTraces(url: string, server: TestServer): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `select datname from pg_catalog.pg_database where starts_with(datname, $1)`,
      [server.prefix],
    )
    for (const { datname } of rows) await dropDatabase(client, datname)
    if (server.adminUrl !== undefined) await client.query(`drop role ${server.prefix}`)
  })
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
