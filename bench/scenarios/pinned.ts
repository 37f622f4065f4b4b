import pg from 'pg'
import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import { nowUs } from '../lib/clock.ts'
import type { Contender } from '../lib/contender.ts'
import { verify } from '../lib/drain.ts'
import type { Figures } from '../lib/figures.ts'
import { openQueue } from '../lib/queue.ts'
import type { Scenario } from '../lib/scenario.ts'
import { readSizes } from '../lib/sizes.ts'

const CHUNKS = 20

export const pinned: Scenario = {
  name: 'pinned',
  purpose: 'jobs inserted and worked off while an old transaction keeps every dead row',
  rounds: 2,
  contenders: ['jobtable:default', 'graphile-worker:fastest'],
  cells: (bench) =>
    [false, true].map((isPinned) => ({
      name: isPinned ? 'an old transaction' : 'none',
      measure: async (contender) => ({ figures: await measure(bench, contender, isPinned) }),
    })),
}

async function measure(bench: Bench, contender: Contender, isPinned: boolean): Promise<Figures> {
  const total = bench.options.quick ? 100_000 : 1_000_000
  const chunk = { count: total / CHUNKS }
  await using queue = await openQueue(bench, contender, [NOOP])
  await using runners = await queue.prepare({ jobs: total })
  const meter = await queue.meter(() => runners.usage())
  await using stack = new AsyncDisposableStack()
  const old = isPinned ? await beginOld(queue.target.url) : undefined
  stack.defer(async () => await old?.end())

  const { atUs } = runners.start()
  for (let n = 1; n <= CHUNKS; n += 1) {
    await queue.system.enqueue(queue.target, chunk)
    // The worker has always one chunk to do while the next one comes.
    await runners.completed((n - 1) * chunk.count)
  }
  const tally = await runners.completed(total)
  await meter.stop()
  const sizes = await readSizes(queue.database)
  await stack.disposeAsync()

  // Autovacuum does what it does: the question is what a user meets right after.
  const again = { count: total / 5 }
  const againUs = nowUs()
  await queue.system.enqueue(queue.target, again)
  const end = await runners.completed(total + again.count)
  await runners.stop()
  const costs = await meter.costs(total)
  await verify(queue, total + again.count, 0)
  const seconds = (tally.atUs - atUs) / 1e6
  return {
    jobs: total,
    seconds,
    jobsPerSecond: total / seconds,
    afterJobsPerSecond: again.count / ((end.atUs - againUs) / 1e6),
    ...costs,
    ...sizes,
  }
}

/** A transaction that has written and then does nothing: nothing that dies after it may be removed. */
async function beginOld(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('create table written_by_the_old_transaction ()')
  return client
}
