// The steps of every client, with TypeORM.
import { DataSource, EntitySchema, QueryFailedError } from 'typeorm'
import { codeOf } from '../../../src/errors.ts'
import type { JobRow } from '../../../src/types/job.ts'
import { takeSteps } from '../clients/node/steps.ts'

const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = process.env

const Job = new EntitySchema<JobRow>({
  name: 'Job',
  schema: 'jobtable',
  tableName: 'job',
  columns: {
    // Not `generated`: then TypeORM drops an id that somebody sets, which the database refuses.
    id: { type: 'bigint', primary: true, default: () => 'default' },
    type: { type: 'text' },
    payload: { type: 'jsonb' },
    status: { type: 'text' },
    owner: { type: 'text' },
    title: { type: 'text', nullable: true },
    properties: { type: 'jsonb' },
    priority: { type: 'smallint', nullable: true },
    run_at: { type: 'timestamptz' },
    paused: { type: 'boolean' },
    key: { type: 'text', nullable: true },
  },
})

const source = await new DataSource({
  type: 'postgres',
  host: PGHOST,
  port: Number(PGPORT),
  database: PGDATABASE,
  username: PGUSER,
  password: PGPASSWORD,
  entities: [Job],
}).initialize()
const jobs = source.getRepository(Job)

/** TypeORM's types take no null for a column that is never null; the database does. */
type Row = Parameters<typeof jobs.update>[1]

await takeSteps({
  insert: async (...rows) => (await jobs.insert(rows as Row[])).identifiers.length,
  insertReturningId: async (row) => {
    const { identifiers } = await jobs.insert(row)
    return identifiers[0]?.['id']
  },
  insertUnlessHeld: async (row) => {
    const { raw } = await jobs
      .createQueryBuilder()
      .insert()
      .values(row as Row)
      .orIgnore()
      .execute()
    return raw.length
  },
  insertAndRollBack: async (row) => {
    const runner = source.createQueryRunner()
    await runner.startTransaction()
    const { identifiers } = await runner.manager.insert(Job, row as Row)
    await runner.rollbackTransaction()
    await runner.release()
    return identifiers.length
  },
  update: async (id, changes) => (await jobs.update(id, changes as Row)).affected ?? 0,
  delete: async (id) => (await jobs.delete(id)).affected ?? 0,
  read: async (id) => {
    const [report] = await source.query(
      `select status, fraction, result, can_resubmit, lines, note
       from jobtable.job_report r join conform_note n on n.job = r.id where r.id = $1`,
      [id],
    )
    return report
  },
  sqlState: (error) => (error instanceof QueryFailedError ? codeOf(error.driverError) : undefined),
  close: async () => await source.destroy(),
})
