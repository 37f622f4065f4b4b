// Shared by the executors of this folder: a file that begins with _ is not loaded as one.
import { escapeIdentifier } from 'pg'
import { z } from 'zod'

const NAME = /^(?:([^.\s][^.]*)\.)?([^.\s][^.]*)$/

/** A table as PostgreSQL reads it: quoted, so that every name is safe in a statement. */
export interface Table {
  readonly schema: string
  readonly name: string
  /** "schema"."name" */
  readonly sql: string
}

/** `schema.table`, or `table` for public.table. Letters count as they are written: City is not city. */
export const tableName = z
  .string()
  .regex(NAME, 'must be a table, as schema.table')
  .transform((text): Table => {
    const [, schema = 'public', name = ''] = NAME.exec(text) ?? []
    return tableOf(schema, name)
  })

export function tableOf(schema: string, name: string): Table {
  return { schema, name, sql: `${escapeIdentifier(schema)}.${escapeIdentifier(name)}` }
}
