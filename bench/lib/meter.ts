import type { Figures } from './figures.ts'
import type { Usage } from './messages.ts'
import {
  type BenchDatabase,
  type PostgresServer,
  walBytes,
  walPosition,
  withClient,
} from './postgres.ts'
import { cpuUsOfTree } from './processes.ts'
import type { RedisServer } from './redis.ts'
import { pageImageBytes } from './wal.ts'

/** What a run costs: one server and the workers' processes, read at its beginning and its end. */
export interface Meter {
  /** To be called when the clock has stopped. */
  stop(): Promise<void>
  /** To be called when the workers have gone: only then PostgreSQL's counts are complete. */
  costs(jobs: number): Promise<Figures>
}

/** Whoever can tell what the workers' processes have used. */
export type ReadUsage = () => Promise<readonly Usage[]>

interface Counts {
  readonly pageImages: number
  readonly commits: number
  readonly updates: number
  readonly hotUpdates: number
}

/**
 * Meters a run in a PostgreSQL database. It begins with a checkpoint, so that every run meets the same
 * state of the WAL: the first change of each page thereafter writes the whole page.
 */
export async function meterPostgres(
  server: PostgresServer,
  database: BenchDatabase,
  table: string,
  readUsage: ReadUsage,
): Promise<Meter> {
  await server.admin.query('checkpoint')
  const countsBefore = await readCounts(server, database, table)
  const before = await readNow(server, readUsage)
  let after = before
  return {
    stop: async () => {
      after = await readNow(server, readUsage)
    },
    costs: async (jobs) => {
      await database.sessionsEnded()
      const counts = await readCounts(server, database, table)
      const updates = counts.updates - countsBefore.updates
      const imageBytes = await pageImageBytes(server.admin, before.lsn, after.lsn)
      return {
        walBytesPerJob: (await walBytes(server.admin, before.lsn, after.lsn)) / jobs,
        fpiBytesPerJob: imageBytes === undefined ? undefined : imageBytes / jobs,
        fpiPerJob: (counts.pageImages - countsBefore.pageImages) / jobs,
        commitsPerJob: (counts.commits - countsBefore.commits) / jobs,
        hotShare:
          updates === 0 ? undefined : (counts.hotUpdates - countsBefore.hotUpdates) / updates,
        serverCpuUsPerJob: perJob(before.serverCpuUs, after.serverCpuUs, jobs),
        ...nodeCosts(before.usage, after.usage, jobs),
      }
    },
  }
}

/** Meters a run on Redis, of which only the CPU is comparable. */
export async function meterRedis(server: RedisServer, readUsage: ReadUsage): Promise<Meter> {
  const cpuBefore = cpuUsOfTree(server.pid)
  const usageBefore = await readUsage()
  let cpuAfter = cpuBefore
  let usageAfter = usageBefore
  return {
    stop: async () => {
      cpuAfter = cpuUsOfTree(server.pid)
      usageAfter = await readUsage()
    },
    costs: async (jobs) => ({
      serverCpuUsPerJob: perJob(cpuBefore, cpuAfter, jobs),
      ...nodeCosts(usageBefore, usageAfter, jobs),
    }),
  }
}

interface Now {
  readonly serverCpuUs: number | undefined
  readonly lsn: string
  readonly usage: readonly Usage[]
}

async function readNow(server: PostgresServer, readUsage: ReadUsage): Promise<Now> {
  const serverCpuUs = server.pid === undefined ? undefined : cpuUsOfTree(server.pid)
  return { serverCpuUs, lsn: await walPosition(server.admin), usage: await readUsage() }
}

async function readCounts(
  server: PostgresServer,
  database: BenchDatabase,
  table: string,
): Promise<Counts> {
  const updates = await withClient(database.url, async (client) => {
    const { rows } = await client.query<{ updates: string; hot: string }>(
      `select n_tup_upd as updates, n_tup_hot_upd as hot from pg_stat_all_tables
       where relid = $1::regclass`,
      [table],
    )
    return rows[0]
  })
  await database.sessionsEnded()
  // CREATE DATABASE writes page images, and this session would tell of them some time later.
  await server.admin.query('select pg_stat_force_next_flush()')
  const { rows } = await server.admin.query<{ fpi: string; commits: string }>(
    `select (select wal_fpi from pg_stat_wal) as fpi, xact_commit as commits
     from pg_stat_database where datname = $1`,
    [database.name],
  )
  return {
    pageImages: Number(rows[0]?.fpi),
    commits: Number(rows[0]?.commits),
    updates: Number(updates?.updates ?? 0),
    hotUpdates: Number(updates?.hot ?? 0),
  }
}

function perJob(
  before: number | undefined,
  after: number | undefined,
  jobs: number,
): number | undefined {
  return before === undefined || after === undefined ? undefined : (after - before) / jobs
}

function nodeCosts(before: readonly Usage[], after: readonly Usage[], jobs: number): Figures {
  if (after.length === 0) return {}
  const cpuUs = (usage: readonly Usage[]): number =>
    usage.reduce((sum, { cpuUs }) => sum + cpuUs, 0)
  const rssBytes = after.reduce((sum, { rssPeakBytes }) => sum + rssPeakBytes, 0)
  return {
    nodeCpuUsPerJob: (cpuUs(after) - cpuUs(before)) / jobs,
    rssPeakMb: rssBytes / 1024 ** 2,
  }
}
