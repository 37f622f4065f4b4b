// The steps of every client, with Kysely.
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { codeOf } from '../../../../src/errors.ts'
import type { Database } from '../../../../src/types/kysely.ts'
import { takeSteps } from './steps.ts'

interface Own {
  conform_note: { job: string; lines: number | null; note: string | null }
}

const db = new Kysely<Database & Own>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ max: 1 }) }),
})

await takeSteps({
  insert: async (...rows) => {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('jobtable.job')
      .values(rows)
      .executeTakeFirstOrThrow()
    return Number(numInsertedOrUpdatedRows)
  },
  insertReturningId: async (row) => {
    const { id } = await db
      .insertInto('jobtable.job')
      .values(row)
      .returning('id')
      .executeTakeFirstOrThrow()
    return id
  },
  insertUnlessHeld: async (row) => {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('jobtable.job')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    return Number(numInsertedOrUpdatedRows)
  },
  insertAndRollBack: async (row) => {
    const transaction = await db.startTransaction().execute()
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('jobtable.job')
      .values(row)
      .executeTakeFirstOrThrow()
    await transaction.rollback().execute()
    return Number(numInsertedOrUpdatedRows)
  },
  update: async (id, changes) => {
    const { numUpdatedRows } = await db
      .updateTable('jobtable.job')
      .set(changes)
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return Number(numUpdatedRows)
  },
  delete: async (id) => {
    const { numDeletedRows } = await db
      .deleteFrom('jobtable.job')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  },
  read: async (id) =>
    await db
      .selectFrom('jobtable.job_report as report')
      .innerJoin('conform_note as note', 'note.job', 'report.id')
      .select(['status', 'fraction', 'result', 'can_resubmit', 'lines', 'note'])
      .where('report.id', '=', id)
      .executeTakeFirstOrThrow(),
  sqlState: codeOf,
  close: async () => await db.destroy(),
})
