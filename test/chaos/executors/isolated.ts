import { spawn } from 'node:child_process'
import { defineExecutor } from 'jobtable'
import { traced } from './_trace.ts'

export default defineExecutor({
  type: 'chaos_isolated',
  description: 'Leaves one effect from a process of its own, which has started another.',
  isolation: 'process',
  maxAttempts: 20,
  backoff: { delay: '200 milliseconds', limit: '5 seconds' },
  async execute({ job, transaction }) {
    await traced(job, async () => {
      spawn('sleep', ['600'], { stdio: 'ignore' })
      await transaction(async (client) => {
        await client.query('insert into chaos.effect (job, attempt) values ($1, $2)', [
          job.id,
          job.attempt,
        ])
      })
    })
  },
})
