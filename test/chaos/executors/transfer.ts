import { defineExecutor } from 'jobtable'
import { traced } from './_trace.ts'

export default defineExecutor({
  type: 'chaos_transfer',
  maxAttempts: 20,
  backoff: { delay: '200 milliseconds', limit: '5 seconds' },
  description: 'Leaves one effect, in the transaction that completes the job.',
  async execute({ job, transaction }) {
    await traced(job, async () => {
      await transaction(async (client) => {
        await client.query('insert into chaos.effect (job, attempt) values ($1, $2)', [
          job.id,
          job.attempt,
        ])
      })
    })
  },
})
