import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest'
import { BUSY_ATTEMPTS, dropDatabase, isBusy } from './drop-database.ts'
import {
  type PrivateServer,
  type PrivateServerOptions,
  startPrivateServer,
  type TestServer,
} from './server.ts'

/** A database of one test file, with jobtable installed. */
export interface Database extends AsyncDisposable {
  readonly name: string
  /** As the ordinary role that owns it. */
  readonly url: string
  /** As a superuser; undefined where none is to be had. */
  readonly adminUrl: string | undefined
  /** The tests' own connections, known to the leak check. */
  readonly pool: pg.Pool
  /** Runs a statement on the pool and returns its rows. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** Ends the pool and removes the database, whoever is still connected. */
  drop(): Promise<void>
}

export interface DatabaseOptions {
  /** Default: the server of the run. */
  readonly server?: TestServer
  /** Leave out jobtable: an empty database. Default false. */
  readonly empty?: boolean
}

/** Marks the tests' own connections. */
export const TEST_APPLICATION = 'jobtable-test'

/** A connection that is being closed is seen by others for a few milliseconds more. */
const LEAK_TIMEOUT_MS = 2_000

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Creates a database as a clone of a template into which jobtable was installed once.
 */
export async function createDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const server = options.server ?? inject('server')
  const name = `${server.prefix}_${randomBytes(5).toString('hex')}`
  const template = options.empty ? 'template1' : await ensureTemplate(server)
  await withClient(server.url, async (client) => await clone(client, name, template))
  const url = databaseUrl(server.url, name)
  const pool = new pg.Pool({ connectionString: url, application_name: TEST_APPLICATION, max: 5 })
  // Tests end the server's sessions on purpose; a query that meets that fails by itself.
  pool.on('error', () => undefined)
  const drop = async (): Promise<void> => {
    if (!pool.ended) await pool.end()
    await withClient(server.url, async (client) => await dropDatabase(client, name))
  }
  return {
    name,
    url,
    adminUrl: server.adminUrl === undefined ? undefined : databaseUrl(server.adminUrl, name),
    pool,
    query: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await pool.query<Row>(text, [...values])).rows,
    drop,
    [Symbol.asyncDispose]: drop,
  }
}

/**
 * A database for the test file that calls it, with the leak check after each test.
 *
 * @returns how to get at it, from the first `beforeAll` on
 */
export function useDatabase(options: DatabaseOptions = {}): () => Database {
  let database: Database | undefined
  beforeAll(async () => {
    database = await createDatabase(options)
  })
  afterEach(async () => {
    if (database !== undefined) await expectNoLeaks(database)
  })
  afterAll(async () => await database?.drop())
  return () => {
    if (database === undefined) throw new Error('the database is there from beforeAll on')
    return database
  }
}

/**
 * Fails if anybody but the tests' own pool is connected to the database: a worker not stopped, a client
 * not released, a transaction left open.
 *
 * @param known application names that may stay
 */
export async function expectNoLeaks(
  database: Database,
  known: readonly string[] = [],
): Promise<void> {
  const others = async (): Promise<pg.QueryResultRow[]> =>
    await database.query(
      `select pid, application_name, state, left(query, 200) as query
       from pg_catalog.pg_stat_activity
       where datname = current_database() and backend_type = 'client backend'
         and (application_name <> all ($1) or state like 'idle in transaction%')
         and pid <> pg_backend_pid()
       order by pid`,
      [[TEST_APPLICATION, ...known]],
    )
  const deadline = Date.now() + LEAK_TIMEOUT_MS
  let found = await others()
  while (found.length > 0 && Date.now() < deadline) {
    await delay(20)
    found = await others()
  }
  expect(found, 'connections left behind').toEqual([])
}

/**
 * A server of the test file's own, with a database as by useDatabase, for tests that harm the server.
 *
 * @returns how to get at both, from the first `beforeAll` on
 */
export function useOwnServer(
  options: PrivateServerOptions = {},
): () => { readonly server: PrivateServer; readonly database: Database } {
  let own: { readonly server: PrivateServer; readonly database: Database } | undefined
  beforeAll(async () => {
    const server = await startPrivateServer(options)
    own = { server, database: await createDatabase({ server: server.server }) }
  })
  afterAll(async () => {
    await own?.database.pool.end()
    await own?.server[Symbol.asyncDispose]()
  })
  return () => {
    if (own === undefined) throw new Error('the server is there from beforeAll on')
    return own
  }
}

async function clone(client: pg.Client, name: string, template: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`create database ${name} template ${template}`)
      return
    } catch (error) {
      if (!isBusy(error) || attempt === BUSY_ATTEMPTS) throw error
      await delay(50 * attempt)
    }
  }
}

/** Its name tells what is in it, so that watch mode builds another one when the SQL has changed. */
async function ensureTemplate(server: TestServer): Promise<string> {
  const template = `${server.prefix}_template_${await installationHash()}`
  await withClient(server.url, async (client) => {
    // Test files start at the same time in several processes; the first one builds.
    await client.query('select pg_advisory_lock(hashtext($1))', [template])
    const { rowCount } = await client.query(
      'select from pg_catalog.pg_database where datname = $1',
      [template],
    )
    if (rowCount === 0) await buildTemplate(client, server, template)
  })
  return template
}

async function buildTemplate(
  client: pg.Client,
  server: TestServer,
  template: string,
): Promise<void> {
  const unfinished = `${template}_new`
  await dropDatabase(client, unfinished)
  await client.query(`create database ${unfinished}`)
  const { migrate } = await import('../../src/migrate.ts')
  await migrate({ connectionString: databaseUrl(server.url, unfinished) })
  await client.query(`alter database ${unfinished} rename to ${template}`)
}

async function installationHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of ['sql', 'src/migrate']) {
    const entries = await readdir(join(PROJECT, folder), { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    const paths = files.map((file) => join(file.parentPath, file.name)).toSorted()
    for (const path of paths) hash.update(path).update(await readFile(path))
  }
  return hash.digest('hex').slice(0, 8)
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: TEST_APPLICATION })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
