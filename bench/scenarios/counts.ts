import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import type { Contender } from '../lib/contender.ts'
import { type Figures, formatCount, quantile } from '../lib/figures.ts'
import { openQueue } from '../lib/queue.ts'
import type { Scenario } from '../lib/scenario.ts'

/** Between two readings while jobs run, in milliseconds. */
const PAUSE_MS = 10
/** Readings when nothing runs any more. */
const AT_REST = 200

const COUNTS = 'select type, status, count from jobtable.job_counts order by type, status'
const SCAN = 'select type, status, count(*) from jobtable.job group by type, status order by 1, 2'

export const counts: Scenario = {
  name: 'counts',
  purpose: 'counts by type and status beside a count of the jobs, while some run and at rest',
  rounds: 1,
  contenders: ['jobtable:default'],
  cells: (bench) => {
    const sizes = bench.options.quick ? [10_000, 100_000] : [10_000, 1_000_000, 10_000_000]
    return sizes.map((count) => ({
      name: `${formatCount(count)} jobs`,
      measure: async (contender) => ({ figures: await measure(bench, contender, count) }),
    }))
  },
}

async function measure(bench: Bench, contender: Contender, count: number): Promise<Figures> {
  await using queue = await openQueue(bench, contender, [NOOP])
  await queue.system.enqueue(queue.target, { count })
  await queue.settle()
  const client = new pg.Client({ connectionString: queue.target.url })
  await client.connect()
  await using stack = new AsyncDisposableStack()
  stack.defer(() => client.end())
  const timed = async (text: string): Promise<readonly [ms: number, rows: unknown[]]> => {
    const begun = performance.now()
    const { rows } = await client.query(text)
    return [performance.now() - begun, rows]
  }

  const jobs = Math.min(count / 2, 500_000)
  await using runners = await queue.prepare({ jobs })
  const { atUs } = runners.start()
  const ended = runners.completed(jobs)
  const busy: number[] = []
  let running = true
  void ended.finally(() => (running = false))
  while (running) {
    busy.push((await timed(COUNTS))[0])
    await sleep(PAUSE_MS)
  }
  const seconds = ((await ended).atUs - atUs) / 1e6
  await runners.stop()

  const rest: number[] = []
  for (let i = 0; i < AT_REST; i += 1) rest.push((await timed(COUNTS))[0])
  const [, said] = await timed(COUNTS)
  const [scanMs, counted] = await timed(SCAN)
  if (JSON.stringify(said) !== JSON.stringify(counted)) {
    throw new Error(`counts ${JSON.stringify(said)} are not those of ${JSON.stringify(counted)}`)
  }
  const [whyMs] = await timed(
    'select * from jobtable.why_waiting((select max(id) from jobtable.job))',
  )
  const times = (values: number[], share: number): number =>
    quantile(
      values.toSorted((a, b) => a - b),
      share,
    )
  return {
    jobs: count,
    seconds,
    jobsPerSecond: jobs / seconds,
    countsP50Ms: times(busy, 0.5),
    countsP99Ms: times(busy, 0.99),
    countsRestMs: times(rest, 0.5),
    scanMs,
    whyWaitingMs: whyMs,
  }
}
