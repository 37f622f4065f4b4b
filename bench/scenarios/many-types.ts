import { measureDrain } from '../lib/drain.ts'
import type { Scenario } from '../lib/scenario.ts'

export const manyTypes: Scenario = {
  name: 'many-types',
  purpose: 'a drain of jobs of many types, of which the k-th is 1/k as frequent as the first',
  rounds: 3,
  contenders: ['jobtable:default', 'graphile-worker:fastest', 'bullmq:fastest'],
  cells: (bench) =>
    [1, 200].map((types) => ({
      name: `${types} type${types === 1 ? '' : 's'}`,
      measure: async (contender) => ({
        figures: await measureDrain(bench, contender, {
          batch: { count: bench.options.quick ? 20_000 : 200_000, types },
        }),
      }),
    })),
}
