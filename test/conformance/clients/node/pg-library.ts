import pg from 'pg'
import type { Library, Report } from './steps.ts'

/** What every client does, by statements through node-postgres. */
export function pgLibrary(pool: pg.Pool): Library {
  const insert = async (rows: readonly object[], rest = ''): Promise<number> => {
    const { into, values } = valuesOf(rows)
    return count(await pool.query(`insert into jobtable.job ${into} ${rest}`, values))
  }
  return {
    insert: async (...rows) => await insert(rows),
    insertReturningId: async ({ type, payload }) => {
      const { rows } = await pool.query<{ id: string }>(
        'insert into jobtable.job (type, payload) values ($1, $2) returning id',
        [type, payload],
      )
      return only(rows).id
    },
    insertUnlessHeld: async (row) => await insert([row], 'on conflict do nothing'),
    insertAndRollBack: async (row) => {
      await pool.query('begin')
      const inserted = await insert([row])
      await pool.query('rollback')
      return inserted
    },
    update: async (id, { paused, priority, title }) =>
      count(
        await pool.query(
          'update jobtable.job set paused = $2, priority = $3, title = $4 where id = $1',
          [id, paused, priority, title],
        ),
      ),
    delete: async (id) => count(await pool.query('delete from jobtable.job where id = $1', [id])),
    read: async (id) => {
      const { rows } = await pool.query<Report>(
        `select status, fraction, result, can_resubmit, lines, note
         from jobtable.job_report r join conform_note n on n.job = r.id where r.id = $1`,
        [id],
      )
      return only(rows)
    },
    sqlState: (error) => (error instanceof pg.DatabaseError ? error.code : undefined),
    close: async () => await pool.end(),
  }
}

/** Columns, places and values of rows that all have the columns of the first. */
function valuesOf(rows: readonly object[]): { into: string; values: unknown[] } {
  const names = Object.keys(rows[0] ?? {})
  const places = rows.map((_, index) => {
    const first = index * names.length + 1
    return `(${names.map((_, offset) => `$${first + offset}`).join(', ')})`
  })
  return {
    into: `(${names.join(', ')}) values ${places.join(', ')}`,
    values: rows.flatMap((row) => Object.values(row) as unknown[]),
  }
}

function only<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new Error('there is no such row')
  return row
}

function count({ rowCount }: pg.QueryResult): number {
  return rowCount ?? 0
}
