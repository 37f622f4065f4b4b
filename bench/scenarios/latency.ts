import { setTimeout as sleep } from 'node:timers/promises'
import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import type { Contender } from '../lib/contender.ts'
import { type Figures, quantile } from '../lib/figures.ts'
import type { Latencies, PoissonPlan } from '../lib/messages.ts'
import { openQueue } from '../lib/queue.ts'
import type { Runners } from '../lib/runner.ts'
import type { Cell, Measured, Scenario } from '../lib/scenario.ts'
import { Senders } from '../lib/senders.ts'

const CONNECTIONS = 16
/** Before anything is measured: connections are made, code is compiled. */
const WARM_UP: PoissonPlan = { perSecond: 200, seconds: 5, isMeasured: false }
/** Long enough for a worker to listen, and for each to become idle again. */
const LISTEN_MS = 1_000
const IDLE_MS = 10
/** Below that the thousandth says nothing. */
const SAMPLES_FOR_P999 = 10_000
/** How long the sender is observed at full speed to know its half. */
const CAPACITY_SECONDS = 5

/** What is sent while a contender's worker runs. */
type Send = (senders: Senders, runners: Runners) => Promise<Figures>

export const latency: Scenario = {
  name: 'latency',
  purpose: 'from the time a job was to be sent until it starts, and until it is completed',
  // Many short ones: the machine's speed changes within a minute.
  rounds: 3,
  contenders: ['jobtable', 'graphile-worker', 'bullmq'],
  cells: (bench) => {
    const { quick } = bench.options
    const cell = (name: string, send: Send): Cell => ({
      name,
      measure: (contender) => measure(bench, contender, send),
    })
    const poisson = (perSecond: number, seconds: number): Cell =>
      cell(`${perSecond} a second`, (...run) => sendPoisson(perSecond, seconds, ...run))
    const half = (seconds: number): Cell =>
      cell('half of capacity', async (senders, runners) => {
        const before = runners.tally.jobs
        const sent = await senders.flood(CAPACITY_SECONDS)
        const perSecond = (runners.tally.jobs - before) / CAPACITY_SECONDS
        await runners.completed(before + sent)
        return await sendPoisson(perSecond / 2, seconds, senders, runners)
      })
    const oneByOne = (jobs: number): Cell =>
      cell('one at a time', (...run) => sendOneByOne(jobs, ...run))
    return quick
      ? [oneByOne(100), poisson(100, 5), half(5)]
      : [oneByOne(500), poisson(10, 20), poisson(100, 10), poisson(1_000, 12), half(10)]
  },
}

async function measure(bench: Bench, contender: Contender, send: Send): Promise<Measured> {
  await using queue = await openQueue(bench, contender, [NOOP])
  await using runners = await queue.prepare({ body: 'latency' })
  await using senders = await Senders.prepare(queue, 1, CONNECTIONS)
  await runners.start().started
  await sleep(LISTEN_MS)
  const warmUp = await senders.poisson(WARM_UP)
  await runners.completed(warmUp.jobs)
  const figures = await send(senders, runners)
  return { figures: { ...figures, ...summary(await runners.latencies()) } }
}

async function sendOneByOne(jobs: number, senders: Senders, runners: Runners): Promise<Figures> {
  const before = runners.tally.jobs
  for (let sent = 1; sent <= jobs; sent += 1) {
    await senders.one()
    await runners.completed(before + sent)
    await sleep(IDLE_MS)
  }
  return {}
}

async function sendPoisson(
  perSecond: number,
  seconds: number,
  senders: Senders,
  runners: Runners,
): Promise<Figures> {
  const before = runners.tally.jobs
  const { jobs, lateUs } = await senders.poisson({ perSecond, seconds, isMeasured: true })
  await runners.completed(before + jobs)
  return {
    offeredPerSecond: perSecond,
    sendLateP99Ms:
      quantile(
        lateUs.toSorted((a, b) => a - b),
        0.99,
      ) / 1_000,
  }
}

function summary({ startUs, doneUs }: Latencies): Figures {
  const start = startUs.toSorted((a, b) => a - b)
  const done = doneUs.toSorted((a, b) => a - b)
  const ms = (sorted: readonly number[], share: number): number => quantile(sorted, share) / 1_000
  const hasThousandth = start.length >= SAMPLES_FOR_P999
  return {
    samples: start.length,
    startP50Ms: ms(start, 0.5),
    startP99Ms: ms(start, 0.99),
    startP999Ms: hasThousandth ? ms(start, 0.999) : undefined,
    doneP50Ms: ms(done, 0.5),
    doneP99Ms: ms(done, 0.99),
    doneP999Ms: hasThousandth ? ms(done, 0.999) : undefined,
  }
}
