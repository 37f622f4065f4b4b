import { sleepMs } from '../lib/batch.ts'
import { measureDrain } from '../lib/drain.ts'
import { formatCount } from '../lib/figures.ts'
import type { Scenario } from '../lib/scenario.ts'

export const longJobs: Scenario = {
  name: 'long-jobs',
  purpose: 'jobs that sleep 100 ms to 1 s, many at once, against slots that are never empty',
  rounds: 3,
  contenders: ['jobtable:default', 'graphile-worker:fastest', 'bullmq:fastest'],
  cells: (bench) => {
    const [count, slots] = bench.options.quick ? [1_000, 100] : [10_000, 1_000]
    return [
      {
        name: `${formatCount(count)} jobs, ${formatCount(slots)} at once`,
        measure: async ({ system, ...contender }) => {
          const settings = system.concurrent?.(slots)
          if (settings === undefined) throw new Error(`${system.name} has no such setting`)
          const figures = await measureDrain(
            bench,
            { ...contender, system },
            { batch: { count, sleeps: true }, body: 'sleep', settings },
          )
          return {
            settings,
            figures: { ...figures, efficiency: idealSeconds(count, slots) / figures.seconds },
          }
        },
      },
    ]
  },
}

/** How long the jobs take if each slot that becomes free begins the next one at once. */
function idealSeconds(count: number, slots: number): number {
  const freeAtMs = Array.from({ length: slots }, () => 0)
  for (let n = 1; n <= count; n += 1) {
    let first = 0
    for (let slot = 1; slot < slots; slot += 1) {
      if ((freeAtMs[slot] ?? 0) < (freeAtMs[first] ?? 0)) first = slot
    }
    freeAtMs[first] = (freeAtMs[first] ?? 0) + sleepMs(n)
  }
  return Math.max(...freeAtMs) / 1_000
}
