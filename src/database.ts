import { createHash } from 'node:crypto'
import type { ClientBase, Pool, PoolConfig, QueryResultRow } from 'pg'
import { codeOf, fromDatabase } from './errors.ts'

/** Where a statement goes: a pool, or a client inside a transaction. */
export type Database = Pick<Pool, 'query'> | Pick<ClientBase, 'query'>

/** A number of a job, worker or lease: a bigint as decimal text, never a float. */
export type Id = string

/** Where to connect, as the driver takes it: undefined leaves it to the PG* variables. */
export function addressOf(
  connectionString: string | undefined,
): Pick<PoolConfig, 'connectionString'> {
  return connectionString === undefined ? {} : { connectionString }
}

/** A statement that is sent again and again: each session parses and plans it once. */
export interface Prepared {
  readonly text: string
  readonly name: string
}

/** The name holds the text: sessions behind a pooler are shared by workers of several versions. */
export function prepared(text: string): Prepared {
  return { text, name: `jobtable_${createHash('sha256').update(text).digest('hex').slice(0, 16)}` }
}

/** Databases where a prepared statement is not found again: behind some poolers. */
const forgetful = new WeakSet<Database>()

/**
 * What a session says of a prepared statement that was never its own (26000), is another's (42P05), or
 * gives other columns than before (0A000). Nothing has happened then.
 */
const NOT_PREPARED: ReadonlySet<string | undefined> = new Set(['26000', '42P05', '0A000'])

/** The row of a statement that has exactly one. */
export async function one<R extends QueryResultRow>(
  database: Database,
  statement: string | Prepared,
  values: readonly unknown[],
): Promise<R> {
  const row = (await all<R>(database, statement, values))[0]
  if (row === undefined) throw new TypeError(`no row from: ${textOf(statement)}`)
  return row
}

/** The rows of a statement; an error by which the queue refuses it becomes one of ours. */
export async function all<R extends QueryResultRow>(
  database: Database,
  statement: string | Prepared,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const asIs = typeof statement === 'string' || forgetful.has(database)
  const query = asIs ? { text: textOf(statement) } : statement
  try {
    return (await database.query<R>({ ...query, values: [...values] })).rows
  } catch (error) {
    if (asIs || !NOT_PREPARED.has(codeOf(error))) throw fromDatabase(error)
    forgetful.add(database)
    return await all(database, statement, values)
  }
}

function textOf(statement: string | Prepared): string {
  return typeof statement === 'string' ? statement : statement.text
}

/** JSON that PostgreSQL takes: it has no NUL character, and no lone surrogates. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'string') return cleanText(item)
    if (typeof item === 'bigint') return item.toString()
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    const entries = Object.entries(item)
    if (entries.every(([key]) => key === cleanText(key))) return item
    return Object.fromEntries(entries.map(([key, member]) => [cleanText(key), member]))
  })
}

/** Text that PostgreSQL takes: without NUL characters, lone surrogates replaced. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}
