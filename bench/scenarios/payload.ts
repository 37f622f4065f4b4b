import { measureDrain } from '../lib/drain.ts'
import type { Scenario } from '../lib/scenario.ts'

export const payload: Scenario = {
  name: 'payload',
  purpose: 'a drain of jobs with small and large payloads',
  rounds: 3,
  contenders: ['jobtable:default', 'graphile-worker:fastest', 'pg-boss:fastest', 'bullmq:fastest'],
  cells: (bench) => {
    const sizes = [
      [100, 200_000],
      [1_000, 200_000],
      [10_000, 50_000],
      [100_000, 5_000],
    ] as const
    return sizes.map(([payloadBytes, jobs]) => ({
      name: `${payloadBytes / 1_000} kB`,
      measure: async (contender) => ({
        figures: await measureDrain(bench, contender, {
          batch: { count: bench.options.quick ? jobs / 20 : jobs, payloadBytes },
        }),
      }),
    }))
  },
}
