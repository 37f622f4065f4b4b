// The steps of every client, with Drizzle.
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { codeOf } from '../../../../src/errors.ts'
import { job, jobReport } from '../../../../src/types/drizzle.ts'
import { takeSteps } from './steps.ts'

type Row = typeof job.$inferInsert

const conformNote = pgTable('conform_note', {
  job: bigint('job', { mode: 'bigint' }).primaryKey(),
  lines: integer('lines'),
  note: text('note'),
})

const pool = new pg.Pool({ max: 1 })
const db = drizzle({ client: pool })

const count = ({ rowCount }: pg.QueryResult): number => rowCount ?? 0

await takeSteps({
  // Drizzle's types take no null for a column that is never null; the database does.
  insert: async (...rows) => count(await db.insert(job).values(rows as Row[])),
  insertReturningId: async (row) => {
    const [inserted] = await db.insert(job).values(row).returning({ id: job.id })
    return inserted?.id ?? ''
  },
  insertUnlessHeld: async (row) =>
    count(
      await db
        .insert(job)
        .values(row as Row)
        .onConflictDoNothing(),
    ),
  insertAndRollBack: async (row) => {
    let inserted = 0
    const rolledBack = db.transaction(async (transaction) => {
      inserted = count(await transaction.insert(job).values(row as Row))
      transaction.rollback()
    })
    await rolledBack.catch(() => undefined)
    return inserted
  },
  update: async (id, { paused, priority, title }) =>
    count(await db.update(job).set({ paused, priority, title }).where(eq(job.id, id))),
  delete: async (id) => count(await db.delete(job).where(eq(job.id, id))),
  read: async (id) => {
    const { status, fraction, result, can_resubmit } = jobReport
    const { lines, note } = conformNote
    const [report] = await db
      .select({ status, fraction, result, can_resubmit, lines, note })
      .from(jobReport)
      .innerJoin(conformNote, eq(conformNote.job, jobReport.id))
      .where(eq(jobReport.id, id))
    if (report === undefined) throw new Error(`no job ${id}`)
    return report
  },
  // Drizzle wraps the driver's error.
  sqlState: (error) => (error instanceof Error ? codeOf(error.cause) : undefined),
  close: async () => await pool.end(),
})
