import { setTimeout as delay } from 'node:timers/promises'
import { defineExecutor } from 'jobtable'
import { z } from 'zod'
import { traced } from './_trace.ts'

const STAGES = 3

export default defineExecutor({
  type: 'chaos_chatty',
  maxAttempts: 20,
  backoff: { delay: '200 milliseconds', limit: '5 seconds' },
  description: 'Tells of itself by progress, log, facet and result.',
  facets: { 'chaos.note': z.object({ stage: z.int() }) },
  setup: `
    create table if not exists chaos.note (
      job bigint primary key references jobtable.job (id) on delete cascade,
      stage integer
    )`,
  async execute({ job, signal, progress, log, facet }) {
    return await traced(job, async () => {
      for (let stage = 1; stage <= STAGES; stage += 1) {
        progress({ fraction: stage / STAGES, stage: String(stage) })
        log.debug('a stage', { stage })
        await facet('chaos.note', { stage })
        await delay(20, undefined, { signal })
      }
      return { stages: STAGES }
    })
  },
})
