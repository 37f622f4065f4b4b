import { DatabaseError } from 'pg'
import { MigrateError, type MigrateErrorCode } from './error.ts'

const OWNERSHIP = 'use the role that owns the schemas jobtable and jobtable_internal'
const RETRY = 'try again when the database is less busy'
const DROP_FIRST = 'drop it in the migration that comes with the change, or give it a new name'

/** What PostgreSQL's refusals mean here; any other is `step_failed`. */
const REFUSALS: Readonly<Record<string, readonly [code: MigrateErrorCode, remedy: string]>> = {
  '25006': ['read_only', 'connect to the server that takes writes'],
  '2BP01': ['in_use', 'drop what depends on it, migrate, and create it anew'],
  '40001': ['lock_timeout', RETRY],
  '40P01': ['lock_timeout', RETRY],
  '42501': ['no_permission', OWNERSHIP],
  '42P13': ['not_replaceable', DROP_FIRST],
  '42P16': ['not_replaceable', DROP_FIRST],
  '55P03': ['lock_timeout', RETRY],
}

/** Runs something on the database; a refusal becomes a {@link MigrateError} about `object`. */
export async function refusable<T>(object: string, sql: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const [code, remedy] = REFUSALS[error.code ?? ''] ?? [
      'step_failed',
      'nothing has changed in the database: correct the SQL, or report this',
    ]
    const said = [error.message, error.detail, error.hint].filter((part) => part !== undefined)
    const fact = `failed${lineOf(error, sql)}: ${said.join('; ')}`
    throw new MigrateError(code, { object, fact, remedy }, { cause: error })
  }
}

function lineOf({ position }: DatabaseError, sql: string): string {
  if (position === undefined) return ''
  return ` in line ${sql.slice(0, Number(position)).split('\n').length}`
}
