import { defineExecutor } from 'jobtable'
import { z } from 'zod'
import { traced } from './_trace.ts'

export default defineExecutor({
  type: 'chaos_flaky',
  maxAttempts: 20,
  backoff: { delay: '200 milliseconds', limit: '5 seconds' },
  description: 'Fails in its first attempts.',
  payload: z.object({ failures: z.int() }),
  async execute({ job, payload }) {
    await traced(job, async () => {
      if (job.attempt <= payload.failures) throw new Error(`failure ${job.attempt}`)
    })
  },
})
