import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../../src/embedded.ts'
import { until } from './clock.ts'
import { commandOf, parentOf } from './processes.ts'

/** Everything that differs from PostgreSQL's own defaults. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '16GB',
  checkpoint_timeout: '30min',
  // For 64 clients beside a worker, and for 50 workers.
  max_connections: '500',
}

/** What a reader of the figures wants to know, ours or not. */
const TOLD_SETTINGS = [
  ...Object.keys(SETTINGS),
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'wal_compression',
  'data_checksums',
  'autovacuum',
  'autovacuum_naptime',
  'shared_preload_libraries',
]

/** A backend needs a moment after its client has gone. */
const SESSIONS_END_MS = 30_000

/** The PostgreSQL server of a bench. */
export interface PostgresServer extends AsyncDisposable {
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  /** Undefined if this process cannot see the server's files. */
  readonly dataDir: string | undefined
  /** Undefined if the server runs on another machine. */
  readonly pid: number | undefined
  /** A session in a database of no queue: what it does is not counted with a run. */
  readonly admin: pg.Client
  createDatabase(): Promise<BenchDatabase>
}

/** An empty database of one run, dropped with it. */
export interface BenchDatabase extends AsyncDisposable {
  readonly name: string
  readonly url: string
  /** Waits until nobody is connected: a session's counts are complete when it has ended. */
  sessionsEnded(): Promise<void>
}

/** BENCH_DATABASE_URL, or a server of its own with a new cluster on disk. */
export async function startPostgres(
  parentDir: string,
  extra: Readonly<Record<string, string>>,
): Promise<PostgresServer> {
  const given = process.env['BENCH_DATABASE_URL']
  if (given) return await useServer(given, undefined, async () => undefined)

  const dataDir = join(parentDir, 'postgres')
  const embedded = await startEmbedded({ dataDir, settings: { ...SETTINGS, ...extra } })
  return await useServer(embedded.adminUrl, dataDir, () => embedded.stop('immediate'))
}

async function useServer(
  url: string,
  dataDir: string | undefined,
  stop: () => Promise<void>,
): Promise<PostgresServer> {
  const admin = new pg.Client({ connectionString: url, application_name: 'bench admin' })
  await admin.connect()
  const told = await admin.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from pg_settings where name = any($1)',
    [TOLD_SETTINGS],
  )
  const backend = await admin.query<{ pid: number }>('select pg_backend_pid() as pid')
  return {
    version: await readVersion(admin),
    settings: Object.fromEntries(told.rows.map(({ name, value }) => [name, value])),
    dataDir,
    pid: postmasterOf(backend.rows[0]?.pid ?? 0),
    admin,
    createDatabase: async () => await createDatabase(admin, url),
    [Symbol.asyncDispose]: async () => {
      await admin.end()
      await stop()
    },
  }
}

async function readVersion(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query<{ server_version: string }>('show server_version')
  return rows[0]?.server_version ?? 'unknown'
}

/** A backend's parent is the postmaster; the id means something only on the server's own machine. */
function postmasterOf(backend: number): number | undefined {
  return commandOf(backend)?.startsWith('postgres') ? parentOf(backend) : undefined
}

async function createDatabase(admin: pg.Client, serverUrl: string): Promise<BenchDatabase> {
  const name = `bench_${randomBytes(4).toString('hex')}`
  await admin.query(`create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    name,
    url: url.href,
    sessionsEnded: async () => {
      const isEmpty = async (): Promise<boolean> => {
        const { rows } = await admin.query<{ sessions: number }>(
          `select count(*)::int as sessions from pg_stat_activity
           where datname = $1 and backend_type = 'client backend'`,
          [name],
        )
        return rows[0]?.sessions === 0
      }
      await until(`end of the sessions in ${name}`, isEmpty, SESSIONS_END_MS)
    },
    [Symbol.asyncDispose]: async () =>
      void (await admin.query(`drop database ${name} with (force)`)),
  }
}

/** Runs a function with a session of its own. */
export async function withClient<T>(
  url: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Where the WAL ends now. */
export async function walPosition(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>(
    'select pg_current_wal_insert_lsn()::text as lsn',
  )
  return rows[0]?.lsn ?? '0/0'
}

/** How much WAL is between two positions. */
export async function walBytes(client: pg.Client, from: string, to: string): Promise<number> {
  return await numberFrom(client, 'select pg_wal_lsn_diff($2, $1)', [from, to])
}

/** The one number that a statement answers. */
export async function numberFrom(
  client: pg.Client,
  text: string,
  values: unknown[] = [],
): Promise<number> {
  const { rows } = await client.query<Record<string, unknown>>(text, values)
  return Number(Object.values(rows[0] ?? {})[0])
}
