// The steps of every client, with COPY where it inserts, by pg-copy-streams.
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { pgLibrary } from './pg-library.ts'
import { takeSteps } from './steps.ts'

const pool = new pg.Pool({ max: 1 })

async function copy(...rows: readonly object[]): Promise<number> {
  const client = await pool.connect()
  try {
    const names = Object.keys(rows[0] ?? {})
    const stream = client.query(
      from(`copy jobtable.job (${names.join(', ')}) from stdin (format csv)`),
    )
    await pipeline(
      rows.map((row) => `${Object.values(row).map(field).join(',')}\n`),
      stream,
    )
    return stream.rowCount
  } finally {
    client.release()
  }
}

/** Nothing at all is null in CSV. */
function field(value: unknown): string {
  if (value === null) return ''
  if (value instanceof Date) return value.toISOString()
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `"${text.replaceAll('"', '""')}"`
}

await takeSteps({
  ...pgLibrary(pool),
  insert: copy,
  // COPY has no ON CONFLICT.
  insertUnlessHeld: copy,
  insertAndRollBack: async (row) => {
    await pool.query('begin')
    const copied = await copy(row)
    await pool.query('rollback')
    return copied
  },
})
