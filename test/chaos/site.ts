import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { hasPooler, type Pooler, startPooler } from '../support/pooler.ts'
import { freePort } from '../support/port.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import { Observer } from './observer.ts'
import { createPool } from './pool.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import { WorkerProcess, type WorkerProcessOptions } from './worker-process.ts'

/** So many that jobs that take their time leave room for the others. */
const ORDINARY = { concurrency: 16, prefetch: 0 } as const
/** So many that two ticks go out at once after an outage, and jobs wait in the local queue. */
const GREEDY = { concurrency: 128, prefetch: 64 } as const

/** All that is struck: a server, what stands before it, and workers that come to it on three ways. */
export interface Site extends AsyncDisposable {
  readonly postgres: Postgres
  readonly serverVersion: string
  readonly proxy: Proxy
  readonly observer: Observer
  /** One connection as the superuser, for when all is quiet. */
  readonly admin: pg.Pool
  readonly workers: readonly WorkerProcess[]
  /** Workers whose every connection goes through the proxy. */
  readonly proxied: readonly WorkerProcess[]
  /** Workers that come through PgBouncer. */
  readonly pooled: readonly WorkerProcess[]
  /** Folder of the workers' logs. */
  readonly logDir: string
  /** Workers that ended although nobody had told them to. */
  readonly deaths: readonly string[]
  /** Ends PgBouncer at once, and starts it again after a while. */
  restartPooler(downMs: number): Promise<void>
  /** Removes the logs, which else stay. */
  forgetLogs(): Promise<void>
}

/** The processes that are at work now. */
export function pidsOf(workers: readonly WorkerProcess[]): number[] {
  return workers.map(({ pid }) => pid).filter((pid) => pid !== undefined)
}

/** Starts everything, and returns when all workers are at work. */
export async function openSite(): Promise<Site> {
  if (!hasPooler) throw new Error('pgbouncer is not installed: apt-get install pgbouncer')
  await using stack = new AsyncDisposableStack()
  const postgres = stack.use(await startPostgres())
  const serverVersion = await prepareDatabase(postgres.url)
  const observer = new Observer(postgres.adminUrl)
  stack.defer(async () => await observer.stop())
  observer.start()
  const admin = createPool({ connectionString: postgres.adminUrl, max: 1 })
  stack.defer(async () => await admin.end())
  const proxy = stack.use(await startProxy(postgres.port))
  const poolerPort = await freePort()
  let pooler: Pooler = await startPooler(postgres.url, { port: poolerPort })
  stack.defer(async () => await pooler[Symbol.asyncDispose]())

  const logDir = await mkdtemp(join(tmpdir(), 'jobtable-chaos-'))
  const deaths: string[] = []
  const throughProxy = Object.assign(new URL(postgres.url), { port: proxy.port }).href
  const worker = (
    name: string,
    connection: readonly string[],
    room: Pick<WorkerProcessOptions, 'concurrency' | 'prefetch'> = ORDINARY,
  ): WorkerProcess =>
    stack.use(
      new WorkerProcess({
        name,
        connection,
        ...room,
        traceUrl: postgres.url,
        logDir,
        onDeath: (fault) => deaths.push(fault),
      }),
    )
  const direct = [
    worker('direct', ['--database-url', postgres.url]),
    worker('greedy', ['--database-url', postgres.url], GREEDY),
  ]
  const proxied = [worker('proxied', ['--database-url', throughProxy])]
  const pooled = [worker('pooled', ['--database-url', pooler.url, '--listen-url', postgres.url])]
  const workers = [...direct, ...proxied, ...pooled]
  await Promise.all(workers.map(async (each) => await each.started()))

  let restarting = Promise.resolve()
  const owned = stack.move()
  return {
    postgres,
    serverVersion,
    proxy,
    observer,
    admin,
    workers,
    proxied,
    pooled,
    logDir,
    deaths,
    restartPooler: async (downMs) => {
      restarting = restarting.then(async () => {
        await pooler[Symbol.asyncDispose]()
        await new Promise((over) => setTimeout(over, downMs))
        pooler = await startPooler(postgres.url, { port: poolerPort })
      })
      await restarting
    },
    forgetLogs: async () => await rm(logDir, { recursive: true }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  }
}

/** Answers the server's version. */
async function prepareDatabase(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(await readFile(new URL('schema.sql', import.meta.url), 'utf8'))
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version ?? 'unknown'
  } finally {
    await client.end()
  }
}
