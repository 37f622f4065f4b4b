import { setTimeout as sleep } from 'node:timers/promises'
import { NOOP } from '../lib/batch.ts'
import { type Bench, tell } from '../lib/bench.ts'
import { insertSingly } from '../lib/clients.ts'
import { nowUs } from '../lib/clock.ts'
import type { Contender } from '../lib/contender.ts'
import { verify } from '../lib/drain.ts'
import type { FigureName, Figures } from '../lib/figures.ts'
import { walBytes, walPosition } from '../lib/postgres.ts'
import { cpuUsOfTree } from '../lib/processes.ts'
import { openQueue, type Queue } from '../lib/queue.ts'
import type { Runners } from '../lib/runner.ts'
import type { Measured, Scenario } from '../lib/scenario.ts'
import { readSizes } from '../lib/sizes.ts'

const CLIENTS = 16
/** How long clients insert at full speed to know its half. */
const CAPACITY_SECONDS = 10
/** Finished jobs are kept for so long, so that the tables come to a size, and the purge is part of it. */
const RETENTION = '2 minutes'
/** Until the tables have come to it. */
const SETTLING_MINUTES = 5

export const soak: Scenario = {
  name: 'soak',
  purpose: 'half of what the machine can sustain, for half an hour: what grows?',
  rounds: 1,
  contenders: ['jobtable:default'],
  cells: (bench) => {
    const minutes = bench.options.quick ? 7 : 30
    return [
      {
        name: `${minutes} min at half load`,
        measure: (contender) => measure(bench, contender, minutes),
      },
    ]
  },
}

async function measure(bench: Bench, contender: Contender, minutes: number): Promise<Measured> {
  await using queue = await openQueue(bench, contender, [NOOP])
  await using runners = await queue.prepare({})
  await runners.start().started
  await queue.system.keepFinished?.(queue.target, RETENTION)
  const flooded = await insertSingly(bench, queue, { clients: CLIENTS, seconds: CAPACITY_SECONDS })
  const perSecond = runners.tally.jobs / CAPACITY_SECONDS / 2
  await runners.completed(flooded)
  tell(`half load is ${Math.round(perSecond)} jobs a second`)

  // Whole pages are logged after a checkpoint: after one at the beginning, and then none.
  const { admin } = bench.postgres
  await admin.query("alter system set checkpoint_timeout = '1d'")
  await admin.query('select pg_reload_conf()')
  await admin.query('checkpoint')
  const seconds = minutes * 60
  const first = await read(bench, runners)
  const inserting = insertSingly(bench, queue, { clients: CLIENTS, seconds, perSecond })
  inserting.catch(() => undefined)
  const series: Figures[] = []
  let before = first
  for (let minute = 1; minute <= minutes; minute += 1) {
    await sleep(60_000 - ((nowUs() - first.atUs) / 1_000 - (minute - 1) * 60_000))
    const after = await read(bench, runners)
    series.push({ minute, ...(await figuresBetween(bench, queue, before, after)) })
    before = after
  }
  const inserted = await inserting
  await runners.completed(flooded + inserted)
  const last = await read(bench, runners)
  await verify(queue, undefined, 0)
  const figures = await figuresBetween(bench, queue, first, last)
  return { figures: { ...figures, offeredPerSecond: perSecond, ...driftsOf(series) }, series }
}

/** How the second half of the time compares with the first, when all has settled: 1 is flat. */
function driftsOf(series: readonly Figures[]): Figures {
  const settled = series.slice(SETTLING_MINUTES)
  const middle = Math.floor(settled.length / 2)
  const drift = (name: FigureName): number =>
    meanOf(settled.slice(middle), name) / meanOf(settled.slice(0, middle), name)
  return {
    walDrift: drift('walBytesPerJob'),
    serverCpuDrift: drift('serverCpuUsPerJob'),
    nodeCpuDrift: drift('nodeCpuUsPerJob'),
    rssDrift: drift('rssMb'),
    tableDrift: drift('tableMb'),
  }
}

function meanOf(series: readonly Figures[], name: FigureName): number {
  return series.reduce((sum, figures) => sum + (figures[name] ?? Number.NaN), 0) / series.length
}

interface Reading {
  readonly atUs: number
  readonly jobs: number
  readonly lsn: string
  readonly serverCpuUs: number | undefined
  readonly nodeCpuUs: number
  readonly rssBytes: number
}

async function read({ postgres }: Bench, runners: Runners): Promise<Reading> {
  const [usage] = await runners.usage()
  return {
    atUs: nowUs(),
    jobs: runners.tally.jobs,
    lsn: await walPosition(postgres.admin),
    serverCpuUs: postgres.pid === undefined ? undefined : cpuUsOfTree(postgres.pid),
    nodeCpuUs: usage?.cpuUs ?? 0,
    rssBytes: usage?.rssBytes ?? 0,
  }
}

async function figuresBetween(
  { postgres }: Bench,
  { database }: Queue,
  from: Reading,
  to: Reading,
): Promise<Figures> {
  const jobs = to.jobs - from.jobs
  const hasCpu = from.serverCpuUs !== undefined && to.serverCpuUs !== undefined
  return {
    jobs,
    jobsPerSecond: jobs / ((to.atUs - from.atUs) / 1e6),
    walBytesPerJob: (await walBytes(postgres.admin, from.lsn, to.lsn)) / jobs,
    serverCpuUsPerJob: hasCpu ? (to.serverCpuUs - from.serverCpuUs) / jobs : undefined,
    nodeCpuUsPerJob: (to.nodeCpuUs - from.nodeCpuUs) / jobs,
    rssMb: to.rssBytes / 1024 ** 2,
    ...(await readSizes(database)),
  }
}
