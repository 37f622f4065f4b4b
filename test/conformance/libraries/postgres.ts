// The steps of every client, with postgres.js.
import postgres from 'postgres'
import { type Report, takeSteps } from '../clients/node/steps.ts'

const { PGPASSWORD = '' } = process.env
const sql = postgres({ max: 1, password: PGPASSWORD, onnotice: () => undefined })

/** The types of postgres.js know JSON by its helper alone. */
type Row = Readonly<Record<string, postgres.SerializableParameter>>

await takeSteps({
  insert: async (...rows) =>
    (await sql`insert into jobtable.job ${sql(rows as object[] as Row[])}`).count,
  insertReturningId: async (row) => {
    const [job] = await sql<{ id: string }[]>`
      insert into jobtable.job ${sql({ ...row, payload: sql.json(row.payload) })} returning id`
    return job?.id ?? ''
  },
  insertUnlessHeld: async (row) =>
    (await sql`insert into jobtable.job ${sql(row as object as Row)} on conflict do nothing`).count,
  insertAndRollBack: async (row) => {
    const connection = await sql.reserve()
    await connection`begin`
    const { count } = await connection`insert into jobtable.job ${sql(row as object as Row)}`
    await connection`rollback`
    connection.release()
    return count
  },
  update: async (id, changes) =>
    (await sql`update jobtable.job set ${sql(changes as object as Row)} where id = ${id}`).count,
  delete: async (id) => (await sql`delete from jobtable.job where id = ${id}`).count,
  read: async (id) => {
    const [report] = await sql<[Report]>`
      select status, fraction, result, can_resubmit, lines, note
      from jobtable.job_report r join conform_note n on n.job = r.id where r.id = ${id}`
    return report
  },
  sqlState: (error) => (error instanceof postgres.PostgresError ? error.code : undefined),
  close: async () => await sql.end(),
})
