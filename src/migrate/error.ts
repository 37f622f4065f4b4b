import { JobtableError } from '../errors.ts'

/**
 * What keeps a database from being migrated, or this version from working with it:
 *
 * | code | fact |
 * | --- | --- |
 * | `schema_missing` | jobtable is not installed |
 * | `schema_behind` | the database lacks something that this version needs |
 * | `schema_ahead` | it is a newer version's, and this one cannot work with it |
 * | `checksum_mismatch` | an applied migration differs from the file of that number |
 * | `history_gap` | a migration was passed over: later ones have been installed |
 * | `server_too_old` | PostgreSQL is older than any that jobtable supports |
 * | `no_permission` | the role lacks a privilege |
 * | `read_only` | the server is a standby, or takes no writes |
 * | `lock_timeout` | others held locks for too long |
 * | `in_use` | something of the user's depends on what is to be dropped |
 * | `not_replaceable` | a function or view cannot be replaced in place |
 * | `step_failed` | any other refusal by PostgreSQL |
 * | `bad_source` | the folder of SQL files is incomplete or contradicts itself |
 */
export type MigrateErrorCode =
  | 'schema_missing'
  | 'schema_behind'
  | 'schema_ahead'
  | 'checksum_mismatch'
  | 'history_gap'
  | 'server_too_old'
  | 'no_permission'
  | 'read_only'
  | 'lock_timeout'
  | 'in_use'
  | 'not_replaceable'
  | 'step_failed'
  | 'bad_source'

/** What has been found; its parts make one sentence. */
export interface Finding {
  /** What it is about: a database, a migration, a file. */
  readonly object: string
  /** What is the matter with it, from the verb on. */
  readonly fact: string
  /** What to do about it; null if nothing need be done. */
  readonly remedy: string | null
}

/** A finding as one line. */
export function sentence({ object, fact, remedy }: Finding): string {
  return `${object} ${fact}${remedy === null ? '' : `; ${remedy}`}`
}

/** A migration that did not happen: the database is as it was. */
export class MigrateError extends JobtableError {
  override readonly name = 'MigrateError'
  declare readonly code: MigrateErrorCode

  constructor(code: MigrateErrorCode, finding: Finding, options?: { readonly cause?: unknown }) {
    super(code, sentence(finding), options)
  }
}
