import { setTimeout as sleep } from 'node:timers/promises'
import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import { nowUs, until } from '../lib/clock.ts'
import type { Contender } from '../lib/contender.ts'
import { quantile } from '../lib/figures.ts'
import { numberFrom, withClient } from '../lib/postgres.ts'
import { openQueue } from '../lib/queue.ts'
import type { Cell, Measured, Scenario } from '../lib/scenario.ts'
import type { Settings } from '../systems/system.ts'

/** Long enough for a worker to listen. */
const LISTEN_MS = 1_000
const STARTED_MS = 60_000
/** The mean of the times between two requests: no multiple of anything that a worker does regularly. */
const GAP_MS = 37

export const cancel: Scenario = {
  name: 'cancel',
  purpose: 'from an UPDATE that asks a running job to stop until its executor is told',
  rounds: 3,
  contenders: ['jobtable:default'],
  cells: (bench) => {
    const cell = (name: string, settings: Settings): Cell => ({
      name,
      measure: (contender) => measure(bench, contender, settings),
    })
    return [cell('with LISTEN', {}), cell('without LISTEN', { listenConnectionString: null })]
  },
}

async function measure(bench: Bench, contender: Contender, own: Settings): Promise<Measured> {
  const jobs = bench.options.quick ? 100 : 1_000
  await using queue = await openQueue(bench, contender, [NOOP])
  const settings = { ...contender.variant.settings, ...own, concurrency: jobs }
  await using runners = await queue.prepare({ body: 'cancel', settings })
  await runners.start().started
  await sleep(LISTEN_MS)
  const sentUs = await withClient(queue.target.url, async (client) => {
    await client.query(
      'insert into jobtable.job (type) select $1 from generate_series(1, $2::integer)',
      [NOOP, jobs],
    )
    const started = `select count(*) from jobtable.job where status = 'started'`
    await until(
      'all jobs have started',
      async () => (await numberFrom(client, started)) === jobs,
      STARTED_MS,
    )
    const { rows } = await client.query<{ id: string }>('select id from jobtable.job order by id')
    const sent = new Map<string, number>()
    for (const { id } of rows) {
      await sleep(-Math.log(1 - Math.random()) * GAP_MS)
      sent.set(id, nowUs())
      await client.query('update jobtable.job set cancel_requested = true where id = $1', [id])
    }
    return sent
  })
  await runners.completed(jobs)
  const signals = await runners.signals()
  const tookMs = Array.from(sentUs, ([id, us]) => ((signals[id] ?? Number.NaN) - us) / 1_000)
  const sorted = tookMs.toSorted((a, b) => a - b)
  return {
    figures: {
      samples: sorted.length,
      signalP50Ms: quantile(sorted, 0.5),
      signalP99Ms: quantile(sorted, 0.99),
      signalMaxMs: sorted.at(-1),
    },
    settings,
  }
}
