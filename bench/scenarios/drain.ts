import type { Contender } from '../lib/contender.ts'
import { measureDrain } from '../lib/drain.ts'
import { formatCount } from '../lib/figures.ts'
import type { Cell, Scenario } from '../lib/scenario.ts'

export const drain: Scenario = {
  name: 'drain',
  purpose: 'jobs that do nothing, enqueued before, worked off as fast as it goes',
  rounds: 3,
  contenders: ['floor', 'jobtable', 'graphile-worker', 'pg-boss', 'bullmq'],
  cells: (bench) => {
    const cell = (count: number, processes: number): Cell => ({
      name: `${formatCount(count)} jobs, ${processes} worker${processes === 1 ? '' : 's'}`,
      // The floor is one session; a default that would take minutes runs fewer jobs, once.
      isFor: ({ system, variant }: Contender) =>
        (processes === 1 || system.name !== 'floor') &&
        (count <= 200_000 || variant.atMost === undefined),
      measure: async (contender) => {
        const batch = { count: Math.min(count, (contender.variant.atMost ?? count) * processes) }
        return { figures: await measureDrain(bench, contender, { batch, processes }) }
      },
    })
    return bench.options.quick
      ? [cell(50_000, 1)]
      : [cell(200_000, 1), cell(200_000, 2), cell(1_000_000, 1), cell(1_000_000, 2)]
  },
}
