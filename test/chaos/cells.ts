// The five cells of chaos of the public benchmark of PostgreSQL job queues
// (github.com/hardbyte/postgresql-job-queue-benchmarking), each on a site of its own: how much is done
// before a fault, how soon as much is done again, and whether every job was done once.
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { drain } from './drain.ts'
import { exhaust, restartImmediate, terminate } from './faults/server.ts'
import { findViolations, type Violation } from './invariants.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load/clients.ts'
import { STEADY } from './load/jobs.ts'
import type { Observer } from './observer.ts'
import { interruption, readNumbers } from './options.ts'
import { createRandom, type Random } from './random.ts'
import { describeOrigin, type Origin } from './report.ts'
import { openSite, type Site } from './site.ts'
import { tellViolations } from './story.ts'

const WARM_UP_MS = 5_000
const BEFORE_MS = 10_000
/** Throughput is counted over so long. */
const WINDOW_MS = 2_000
const LOOK_MS = 100
/** The share of the throughput before that must be back, and within what time. */
const SHARE = 0.95
const ALLOWED_MS = 10_000
/** A cell is watched for so long after its fault. */
const AFTER_MS = 20_000

interface Cell {
  readonly name: string
  /** Returns when the fault is over: the server accepts connections, no more is killed. */
  strike(site: Site, random: Random): Promise<void>
}

const CELLS: readonly Cell[] = [
  {
    name: 'postgres restart',
    strike: async (site, random) => await restartImmediate.aim(site, random)?.strike(),
  },
  {
    name: 'backend kill',
    strike: async (site, random) => {
      for (let n = 0; n < 20; n += 1) {
        await terminate.aim(site, random)?.strike()
        await delay(500)
      }
    },
  },
  {
    name: 'pool exhaustion',
    strike: async (site, random) => await exhaust.aim(site, random)?.strike(),
  },
  {
    name: 'crash',
    strike: async ({ workers }) => {
      for (const worker of workers) worker.kill()
    },
  },
  {
    name: 'repeated kills',
    strike: async ({ workers }) => {
      for (let n = 0; n < 10; n += 1) {
        workers[n % workers.length]?.kill()
        await delay(2_000)
      }
    },
  },
]

interface CellFigures {
  /** Jobs a second before the fault. */
  readonly before: number
  readonly faultSeconds: number
  /** From the end of the fault until the throughput was back; null: it never was. */
  readonly recoverySeconds: number | null
  readonly jobs: number
  readonly violations: number
  readonly passed: boolean
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function runCell(
  cell: Cell,
  { seed, rate }: { readonly seed: number; readonly rate: number },
  signal: AbortSignal,
): Promise<{ readonly origin: Origin; readonly figures: CellFigures }> {
  await using site = await openSite()
  const { admin, observer, postgres } = site
  const ledger = new Ledger()
  await using load = new Load({
    url: postgres.url,
    seed,
    rate,
    kinds: STEADY,
    steering: false,
    ledger,
  })
  load.start()
  await delay(WARM_UP_MS + BEFORE_MS)
  const struckAt = performance.now()
  const before = throughput(observer, struckAt - BEFORE_MS, struckAt)
  await cell.strike(site, createRandom(seed, cell.name))
  const overAt = performance.now()
  await delay(AFTER_MS)
  const recoveredAt = recovery(observer, before, overAt)
  await load.stop()
  await drain(admin, signal, say)
  await ledger.save(admin)
  await excuseAll(admin)
  const violations: Violation[] = [
    ...(await findViolations(admin)),
    ...site.deaths.map((fact) => ({ invariant: 'workers stay up', job: null, fact })),
    ...load.faults.map((fact) => ({ invariant: 'clients meet no faults', job: null, fact })),
  ]
  await tellViolations(admin, violations, say)
  const passed =
    violations.length === 0 && recoveredAt !== undefined && recoveredAt - overAt <= ALLOWED_MS
  if (passed) await site.forgetLogs()
  else say(`the workers' logs: ${site.logDir}`)
  return {
    origin: describeOrigin(site.serverVersion),
    figures: {
      before: Math.round(before),
      faultSeconds: seconds(overAt - struckAt),
      recoverySeconds: recoveredAt === undefined ? null : seconds(recoveredAt - overAt),
      jobs: ledger.inserted,
      violations: violations.length,
      passed,
    },
  }
}

function throughput(observer: Observer, from: number, to: number): number {
  return (observer.completedAt(to) - observer.completedAt(from)) / ((to - from) / 1_000)
}

/** When, after a fault, as much was done as before for the length of a window. */
function recovery(observer: Observer, before: number, overAt: number): number | undefined {
  for (let at = overAt; at <= overAt + AFTER_MS - WINDOW_MS; at += LOOK_MS) {
    if (throughput(observer, at, at + WINDOW_MS) >= before * SHARE) return at
  }
  return undefined
}

/** Here every worker is struck: any may lose its jobs. */
async function excuseAll(pool: Pool): Promise<void> {
  await pool.query(
    `insert into chaos.strike (id, fault, pids, from_seq, to_seq)
     select 0, 'the cell', null, 0, last_value from chaos.seq`,
  )
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}

const { numbers, json } = readNumbers({ seed: 1, rate: 200 })
let origin: Origin | undefined
const cells: Record<string, CellFigures> = {}
const signal = interruption()
for (const cell of CELLS) {
  if (signal.aborted) break
  say(cell.name)
  const ran = await runCell(cell, numbers, signal)
  cells[cell.name] = ran.figures
  origin = ran.origin
}
if (json)
  process.stdout.write(`${JSON.stringify({ ...numbers, ...origin, cells }, undefined, 2)}\n`)
else {
  console.log({ ...numbers, ...origin })
  console.table(cells)
}
if (signal.aborted || Object.values(cells).some(({ passed }) => !passed)) process.exitCode = 1
