// Imports a CSV file into a table:
//
//   insert into jobtable.job (type, payload)
//   values ('import_csv', '{"path": "/data/city.csv", "table": "public.city"}');
//
// The rows and the job's completion are committed together: the table has the whole file exactly
// once, or nothing of it. PostgreSQL itself reads the CSV, the file only passes through; the first
// line that it cannot take fails the job, with an error that names file, line and column.
// Whoever may insert jobs of this type reads what the worker's user can read.
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { defineExecutor, type Transaction } from 'jobtable'
import { escapeIdentifier, escapeLiteral } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { z } from 'zod'
import { atLine, type CsvFile, inspectCsv } from './_csv.ts'
import { type Table, tableName, tableOf } from './_table.ts'

const payload = z
  .strictObject({
    /** On the worker's machine; a relative one begins at the worker's working directory. */
    path: z.string().min(1),
    table: tableName,
    delimiter: z
      .string()
      .regex(/^[^"\r\n]$/, 'must be one character')
      .default(','),
    /** Types of columns, by the names in the file's first line. The others are text. */
    columns: z.record(z.string(), z.string()).default({}),
    /** create: the table must not exist. replace: a new one takes its place. append: it must exist. */
    mode: z.enum(['create', 'replace', 'append']).default('create'),
  })
  .refine(({ mode, columns }) => mode !== 'append' || Object.keys(columns).length === 0, {
    path: ['columns'],
    error: 'are those of a new table, while append keeps the one there is',
  })

const DUPLICATE_TABLE = '42P07'

type Import = z.output<typeof payload>

export default defineExecutor({
  type: 'import_csv',
  description: 'Imports a CSV file into a table, wholly or not at all',
  payload,
  facets: {
    'public.import_csv': z.object({
      table_name: z.string(),
      file: z.string(),
      bytes: z.int(),
      rows: z.int(),
    }),
  },
  setup: `
    create table if not exists public.import_csv (
      job bigint primary key references jobtable.job (id) on delete cascade,
      table_name text not null,
      file text not null,
      bytes bigint not null,
      rows bigint
    )`,

  async execute({ job, payload, signal, progress, facet, transaction }) {
    const file = await inspectCsv(resolve(payload.path), payload.delimiter)
    const { table, mode } = payload
    const described = { table_name: `${table.schema}.${table.name}`, file: file.path }
    await facet('public.import_csv', { ...described, bytes: file.bytes })

    return await transaction(async (transaction) => {
      // A table that is replaced stays readable until the new one is complete.
      const target = mode === 'replace' ? tableOf(table.schema, `import_csv_${job.id}`) : table
      if (mode !== 'append') await createTable(transaction, target, file, payload)

      let bytes = 0
      const meter = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          bytes += chunk.length
          // A file may grow while it is read.
          const fraction = Math.min(1, bytes / file.bytes)
          progress({ fraction, message: `${megabytes(bytes)} of ${megabytes(file.bytes)} MB` })
          done(null, chunk)
        },
      })
      const copy = transaction.query(copyFrom(copyStatement(target, file, payload)))
      await pipeline(createReadStream(file.path), meter, copy, { signal }).catch((error) => {
        throw atLine(file, error)
      })

      if (mode === 'replace') {
        await transaction.query(`drop table if exists ${table.sql}`)
        await transaction.query(
          `alter table ${target.sql} rename to ${escapeIdentifier(table.name)}`,
        )
      }
      const done = { ...described, bytes, rows: copy.rowCount }
      await facet('public.import_csv', done)
      return done
    })
  },
})

async function createTable(
  transaction: Transaction,
  table: Table,
  file: CsvFile,
  { columns: types }: Import,
): Promise<void> {
  for (const [column, type] of Object.entries(types)) {
    if (!file.columns.includes(column)) {
      throw new Error(`${file.path} has no column "${column}", but ${file.columns.join(', ')}`)
    }
    // The cast takes one type and nothing else: it makes the text safe in the statement below.
    await transaction.query('select $1::regtype', [type]).catch((cause: unknown) => {
      throw new Error(`column "${column}": PostgreSQL has no type "${type}"`, { cause })
    })
  }
  const columns = file.columns.map((name) => `${escapeIdentifier(name)} ${types[name] ?? 'text'}`)
  // A line each, so that a type that ends in a comment cannot swallow the next column.
  const sql = `create table ${table.sql} (\n${columns.join('\n,')}\n)`
  await transaction.query(sql).catch((error: Error & { code?: string }) => {
    if (error.code !== DUPLICATE_TABLE) throw error
    throw new Error(`${error.message}: give "mode": "replace" or "append"`, { cause: error })
  })
}

function copyStatement(table: Table, file: CsvFile, { delimiter }: Import): string {
  const columns = file.columns.map((name) => escapeIdentifier(name)).join(', ')
  return `copy ${table.sql} (${columns}) from stdin
    (format csv, header true, delimiter ${escapeLiteral(delimiter)}, encoding 'UTF8')`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
