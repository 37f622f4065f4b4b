import { setTimeout as sleep } from 'node:timers/promises'
import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import { nowUs } from '../lib/clock.ts'
import type { Contender } from '../lib/contender.ts'
import type { Figures } from '../lib/figures.ts'
import type { Usage } from '../lib/messages.ts'
import { type BenchDatabase, numberFrom } from '../lib/postgres.ts'
import { cpuUsOfTree } from '../lib/processes.ts'
import { openQueue, type Queue } from '../lib/queue.ts'
import type { Scenario } from '../lib/scenario.ts'

/** What a worker does once at its start is over, and a session that rests has told its counts. */
const SETTLE_MS = 12_000

export const idle: Scenario = {
  name: 'idle',
  purpose: 'what workers cost that have nothing to do, each a process of its own',
  rounds: 2,
  postgres: { shared_preload_libraries: 'pg_stat_statements' },
  contenders: ['jobtable:default', 'graphile-worker:default', 'pg-boss:default', 'bullmq:default'],
  cells: (bench) =>
    (bench.options.quick ? [1, 3] : [1, 10, 50]).map((workers) => ({
      name: `${workers} worker${workers === 1 ? '' : 's'}`,
      measure: async (contender) => ({ figures: await measure(bench, contender, workers) }),
    })),
}

async function measure(bench: Bench, contender: Contender, workers: number): Promise<Figures> {
  await using queue = await openQueue(bench, contender, [NOOP])
  await using runners = await queue.prepare({ processes: workers })
  await runners.start().started
  await sleep(SETTLE_MS)
  const read = async (): Promise<Reading> => ({
    atUs: nowUs(),
    serverCpuUs: await serverCpuUs(bench, queue),
    nodeCpuUs: sum((await runners.usage()).map(({ cpuUs }) => cpuUs)),
    ...(await countsOf(bench, queue.database)),
  })
  const before = await read()
  await sleep(bench.options.quick ? 10_000 : 60_000)
  const after = await read()
  const minutes = (after.atUs - before.atUs) / 60e6
  const perMinute = (of: (reading: Reading) => number | undefined): number | undefined => {
    const [first, last] = [of(before), of(after)]
    return first === undefined || last === undefined ? undefined : (last - first) / minutes
  }
  return {
    commitsPerMinute: perMinute(({ commits }) => commits),
    queriesPerMinute: perMinute(({ queries }) => queries),
    serverCpuMsPerMinute: perMinute(({ serverCpuUs: us }) => us && us / 1_000),
    nodeCpuMsPerMinute: perMinute(({ nodeCpuUs }) => nodeCpuUs / 1_000),
    rssMb: sum((await runners.usage()).map(({ rssBytes }: Usage) => rssBytes)) / 1024 ** 2,
  }
}

interface Reading {
  readonly atUs: number
  readonly serverCpuUs: number | undefined
  readonly nodeCpuUs: number
  readonly commits?: number
  readonly queries?: number
}

async function serverCpuUs(bench: Bench, { database }: Queue): Promise<number | undefined> {
  const pid = database === undefined ? (await bench.redis()).pid : bench.postgres.pid
  return pid === undefined ? undefined : cpuUsOfTree(pid)
}

/** Both from outside of the database, so that looking does not count. */
async function countsOf(
  { postgres }: Bench,
  database: BenchDatabase | undefined,
): Promise<Pick<Reading, 'commits' | 'queries'>> {
  if (database === undefined) return {}
  const commits = await numberFrom(
    postgres.admin,
    'select xact_commit from pg_stat_database where datname = $1',
    [database.name],
  )
  if (!postgres.settings['shared_preload_libraries']?.includes('pg_stat_statements')) {
    return { commits }
  }
  await postgres.admin.query('create extension if not exists pg_stat_statements')
  const queries = await numberFrom(
    postgres.admin,
    `select sum(calls) from pg_stat_statements
     where dbid = (select oid from pg_database where datname = $1)`,
    [database.name],
  )
  return { commits, queries }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
