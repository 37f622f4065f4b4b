import { setTimeout as delay } from 'node:timers/promises'
import { defineExecutor } from 'jobtable'
import { z } from 'zod'
import { traced } from './_trace.ts'

export default defineExecutor({
  type: 'chaos_long',
  maxAttempts: 20,
  backoff: { delay: '200 milliseconds', limit: '5 seconds' },
  description: 'Takes its time, unless it is told to stop.',
  payload: z.object({ ms: z.int() }),
  async execute({ job, payload, signal }) {
    await traced(job, async () => await delay(payload.ms, undefined, { signal }))
  },
})
