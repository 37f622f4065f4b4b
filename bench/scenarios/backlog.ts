import { measureDrain } from '../lib/drain.ts'
import { formatCount } from '../lib/figures.ts'
import type { Scenario } from '../lib/scenario.ts'

export const backlog: Scenario = {
  name: 'backlog',
  purpose: 'the first jobs of a backlog, however many more wait',
  rounds: 2,
  contenders: ['jobtable:default', 'graphile-worker:fastest'],
  cells: (bench) => {
    const { quick } = bench.options
    const measured = quick ? 20_000 : 200_000
    const counts = quick ? [10_000, 200_000] : [10_000, 1_000_000, 10_000_000]
    return counts.map((count) => ({
      name: `${formatCount(count)} waiting`,
      measure: async (contender) => ({
        figures: await measureDrain(bench, contender, {
          batch: { count },
          measured: Math.min(measured, count),
        }),
      }),
    }))
  },
}
