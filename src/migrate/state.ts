import { z } from 'zod'
import type { Database } from '../database.ts'
import { BOOKS, FACTS } from './queries.ts'
import { refusable } from './refusal.ts'

/** What the server says of itself, the role and the two schemas. */
interface Facts {
  /** Such as 150018. */
  readonly serverVersionNumber: number
  readonly serverVersion: string
  readonly database: string
  readonly role: string
  /** Whether the server follows another one, and so takes no writes. */
  readonly isStandby: boolean
  /** Whether the role has CREATE on the database. */
  readonly mayCreateSchemas: boolean
  /** Which of the two schemas exist. */
  readonly schemas: readonly string[]
  /** Which of them the role does not own. */
  readonly schemasOfOthers: readonly string[]
  /** Whether the installer's tables exist. */
  readonly hasBooks: boolean
}

/** What installers have written into their tables. */
interface Books {
  /** In order of version. */
  readonly migrations: readonly {
    readonly version: number
    readonly name: string
    readonly checksum: string
    readonly breaking: boolean
  }[]
  /** Null if there has been no installation. */
  readonly installed: { readonly packageVersion: string; readonly routinesHash: string } | null
}

/** What an installer finds in a database. */
export type State = Facts & Books

const FactsRow: z.ZodType<Facts> = z.object({
  serverVersionNumber: z.int(),
  serverVersion: z.string(),
  database: z.string(),
  role: z.string(),
  isStandby: z.boolean(),
  mayCreateSchemas: z.boolean(),
  schemas: z.array(z.string()),
  schemasOfOthers: z.array(z.string()),
  hasBooks: z.boolean(),
})

const BooksRow: z.ZodType<Books> = z.object({
  migrations: z.array(
    z.object({
      version: z.int(),
      name: z.string(),
      checksum: z.string(),
      breaking: z.boolean(),
    }),
  ),
  installed: z.object({ packageVersion: z.string(), routinesHash: z.string() }).nullable(),
})

/** Reads a database's state, in any transaction or none. @throws MigrateError `no_permission` */
export async function readState(database: Database): Promise<State> {
  const facts = FactsRow.parse((await database.query(FACTS)).rows[0])
  if (!facts.hasBooks) return { ...facts, migrations: [], installed: null }
  const books = await refusable(`database "${facts.database}"`, BOOKS, () => database.query(BOOKS))
  return { ...facts, ...BooksRow.parse(books.rows[0]) }
}
