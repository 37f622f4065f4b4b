import { measureDrain } from '../lib/drain.ts'
import { formatCount } from '../lib/figures.ts'
import type { Scenario } from '../lib/scenario.ts'

const DAY_SECONDS = 86_400

export const future: Scenario = {
  name: 'future',
  purpose: 'a drain beside jobs that are due tomorrow',
  rounds: 3,
  contenders: ['jobtable:default', 'graphile-worker:fastest'],
  cells: (bench) => {
    const { quick } = bench.options
    // Enough for seconds: what the machine has still to do of loading the others is no part of it.
    const batch = { count: quick ? 20_000 : 1_000_000 }
    const counts = quick ? [0, 100_000] : [0, 1_000_000, 10_000_000]
    return counts.map((count) => ({
      name: `${formatCount(count)} scheduled`,
      measure: async (contender) => ({
        figures: await measureDrain(bench, contender, {
          batch,
          ...(count === 0 ? {} : { beside: { count, delaySeconds: DAY_SECONDS } }),
        }),
      }),
    }))
  },
}
