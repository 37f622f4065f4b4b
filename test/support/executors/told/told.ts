// Runs until a file says otherwise, and then tells all that an executor can: for workers that are killed
// or stopped meanwhile. The payload names the file.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineExecutor } from 'jobtable'
import pg from 'pg'

const record = new pg.Pool({
  connectionString: process.env['RECORD_DATABASE_URL'],
  max: 2,
})
record.on('error', () => undefined)

/** Whoever wants to know how a call ended finds it in a table. */
async function note(
  job: string,
  attempt: number,
  what: string,
  work: () => unknown,
): Promise<void> {
  let said = 'done'
  try {
    await work()
  } catch (error) {
    said = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
  await record.query('insert into told (job, attempt, what, said) values ($1, $2, $3, $4)', [
    job,
    attempt,
    what,
    said,
  ])
}

export default defineExecutor({
  type: 'told',
  maxAttempts: 2,
  execute: async ({ job, payload, facet, transaction, progress, log }) => {
    await note(job.id, job.attempt, 'begin', () => undefined)
    const waits = job.attempt === 1 || payload['always'] === true
    const goes = (): boolean => !waits || existsSync(String(payload['file']))
    while (!goes()) await sleep(20)
    progress({ stage: `attempt ${job.attempt}` })
    log.info(`attempt ${job.attempt}`)
    await note(job.id, job.attempt, 'facet', () =>
      facet('job_progress', { message: `facet ${job.attempt}` }),
    )
    await note(job.id, job.attempt, 'transaction', () => transaction(async () => undefined))
  },
})
