// The steps of every client, with Knex.
import knex from 'knex'
import { codeOf } from '../../../src/errors.ts'
import type { JobInsert, JobRow, JobUpdate } from '../../../src/types/job.ts'
import { takeSteps } from '../clients/node/steps.ts'

declare module 'knex/types/tables.js' {
  interface Tables {
    'jobtable.job': knex.Knex.CompositeTableType<JobRow, JobInsert, JobUpdate>
  }
}

const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = process.env
const db = knex({
  client: 'pg',
  connection: {
    host: PGHOST,
    port: Number(PGPORT),
    database: PGDATABASE,
    user: PGUSER,
    password: PGPASSWORD,
  },
  pool: { min: 1, max: 1 },
})

/** Knex gives node-postgres's own result to whoever asks for nothing back. */
const count = (result: unknown): number => (result as { rowCount: number }).rowCount

await takeSteps({
  insert: async (...rows) => count(await db('jobtable.job').insert(rows)),
  insertReturningId: async (row) => {
    const [job] = await db('jobtable.job').insert(row).returning('id')
    return job?.id ?? ''
  },
  insertUnlessHeld: async (row) =>
    count(await db('jobtable.job').insert(row).onConflict().ignore()),
  insertAndRollBack: async (row) => {
    const transaction = await db.transaction()
    const inserted = count(await transaction('jobtable.job').insert(row))
    await transaction.rollback()
    return inserted
  },
  update: async (id, changes) => await db('jobtable.job').where({ id }).update(changes),
  delete: async (id) => await db('jobtable.job').where({ id }).delete(),
  read: async (id) =>
    await db('jobtable.job_report as report')
      .join('conform_note as note', 'note.job', 'report.id')
      .select('status', 'fraction', 'result', 'can_resubmit', 'lines', 'note')
      .where('report.id', id)
      .first(),
  sqlState: codeOf,
  close: async () => await db.destroy(),
})
