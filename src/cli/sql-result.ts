import { z } from 'zod'
import { type Column, note, print, printJson, printWholeTable } from './output.ts'

/** What the driver answers to one statement, every value as text. */
export const resultSchema: z.ZodType<SqlResult> = z.object({
  // Null for an empty statement.
  command: z.string().nullable(),
  rowCount: z.number().nullable(),
  fields: z.array(z.object({ name: z.string(), dataTypeID: z.number() })),
  rows: z.array(z.array(z.string().nullable())),
})

export interface SqlResult {
  readonly command: string | null
  readonly rowCount: number | null
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Oids of pg_type: they never change. */
const OID = { bool: 16, int2: 21, int4: 23, oid: 26, float4: 700, float8: 701, int8: 20 } as const
const NUMERIC_OID = 1700
const JSON_OIDS: readonly number[] = [114, 3802]
const SAFE_NUMBERS: readonly number[] = [OID.int2, OID.int4, OID.oid, OID.float4, OID.float8]
const NUMBERS: readonly number[] = [...SAFE_NUMBERS, OID.int8, NUMERIC_OID]

/** A table on standard output and, on standard error, what psql would say below it. */
export function printResult({ command, rowCount, fields, rows }: SqlResult): void {
  if (command === null) return
  if (fields.length === 0) {
    note(rowCount === null ? command : `${command} ${rowCount}`)
    return
  }
  const columns = fields.map(
    ({ name, dataTypeID }, index): Column<SqlResult['rows'][number]> => ({
      title: name,
      value: (row) => row[index] ?? '',
      align: isNumber(dataTypeID) ? 'right' : 'left',
    }),
  )
  printWholeTable(columns, rows)
  note(rows.length === 1 ? '(1 row)' : `(${rows.length} rows)`)
}

/**
 * One line: an array of rows, or `{"command", "rows"}` of a statement without any. Numbers that a
 * JavaScript number could not hold, bigint and numeric, stay text, as does all that JSON lacks.
 */
export function printResultJson({ command, rowCount, fields, rows }: SqlResult): void {
  if (command === null) return
  if (fields.length === 0) {
    printJson({ command, rows: rowCount })
    return
  }
  print(JSON.stringify(rows.map((row) => jsonRow(fields, row))))
}

/** A row as JSON has it, its values by the columns' types. */
export function jsonRow(
  fields: SqlResult['fields'],
  row: SqlResult['rows'][number],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    fields.map(({ name, dataTypeID }, index) => [name, jsonValue(row[index] ?? null, dataTypeID)]),
  )
}

/** Whether values of a type are numbers, which stand to the right. */
export function isNumber(type: number): boolean {
  return NUMBERS.includes(type)
}

function jsonValue(text: string | null, type: number): unknown {
  if (text === null) return null
  if (type === OID.bool) return text === 't'
  if (JSON_OIDS.includes(type)) return JSON.parse(text)
  const number = SAFE_NUMBERS.includes(type) ? Number(text) : Number.NaN
  return Number.isFinite(number) ? number : text
}
