import { setTimeout as sleep } from 'node:timers/promises'
import { NOOP } from '../lib/batch.ts'
import { insertSingly } from '../lib/clients.ts'
import { verify } from '../lib/drain.ts'
import { openQueue } from '../lib/queue.ts'
import type { Scenario } from '../lib/scenario.ts'

const CLIENTS = 16
/** What comes before is not yet the steady state. */
const WARM_UP_SECONDS = 5

export const sustained: Scenario = {
  name: 'sustained',
  purpose: `jobs a second while ${CLIENTS} clients insert as fast as they can`,
  rounds: 3,
  contenders: ['jobtable:default', 'graphile-worker:fastest'],
  cells: (bench) => {
    const { quick, long } = bench.options
    const seconds = quick ? 10 : long ? 600 : 60
    return [
      {
        name: `${CLIENTS} clients, ${seconds} s`,
        measure: async (contender) => {
          await using queue = await openQueue(bench, contender, [NOOP])
          await using runners = await queue.prepare({})
          const meter = await queue.meter(() => runners.usage())
          await runners.start().started
          const inserting = insertSingly(bench, queue, { clients: CLIENTS, seconds })
          inserting.catch(() => undefined)
          await sleep(WARM_UP_SECONDS * 1_000)
          const before = runners.tally
          await Promise.race([inserting, sleep((seconds - WARM_UP_SECONDS) * 1_000)])
          const after = runners.tally
          const inserted = await inserting
          await runners.completed(inserted)
          await meter.stop()
          await runners.stop()
          const jobs = after.jobs - before.jobs
          const steadySeconds = (after.atUs - before.atUs) / 1e6
          const costs = await meter.costs(inserted)
          await verify(queue, inserted, 0)
          return {
            figures: {
              jobs: inserted,
              seconds: steadySeconds,
              jobsPerSecond: jobs / steadySeconds,
              insertedPerSecond: inserted / seconds,
              ...costs,
            },
          }
        },
      },
    ]
  },
}
