// Tells who ran what, into a table that would also take it twice. Jobs that run together write together.
import { defineExecutor } from 'jobtable'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env['RECORD_DATABASE_URL'], max: 1 })
let jobs: string[] = []
let written: Promise<unknown> | undefined

function write(): Promise<unknown> {
  written ??= new Promise((resolve) => {
    setImmediate(resolve)
  }).then(async () => {
    const together = jobs
    jobs = []
    written = undefined
    await pool.query('insert into run_record select job, 1, $2 from unnest($1::bigint[]) job', [
      together,
      process.pid,
    ])
  })
  return written
}

export default defineExecutor({
  type: 'record',
  execute: async ({ job }) => {
    if (job.attempt !== 1) throw new Error(`attempt ${job.attempt} of job ${job.id}`)
    jobs.push(job.id)
    await write()
  },
})
