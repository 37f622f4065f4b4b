/**
 * Why the embedded server could not be had.
 *
 * - `unsupported_platform`: no PostgreSQL binaries are published for this machine
 * - `binaries_missing`: the platform's package is not installed, or its programs do not run
 * - `no_account`: running as root, and no ordinary account exists that could run the server
 * - `cannot_switch_account`: running as root without the right to become another user
 * - `no_passwd_entry`: running under a uid that the system has no name for
 * - `not_owner`: the data folder belongs to somebody else
 * - `data_missing`: the folder names a place for its data, and nothing is there
 * - `data_unreachable`: the server's account cannot enter the data folder
 * - `password_missing`: the data exists, its password file does not
 * - `version_mismatch`: the data was made by another major version of PostgreSQL
 * - `port_in_use`: the port asked for is taken
 * - `initdb_failed`, `start_failed`, `stop_failed`: the programs' own words are in the message
 * - `not_answering`: a server runs on the folder but cannot be reached with its password
 * - `locked`: another launcher has been busy with the folder for too long
 */
export type EmbeddedErrorCode =
  | 'unsupported_platform'
  | 'binaries_missing'
  | 'no_account'
  | 'cannot_switch_account'
  | 'no_passwd_entry'
  | 'not_owner'
  | 'data_missing'
  | 'data_unreachable'
  | 'password_missing'
  | 'version_mismatch'
  | 'port_in_use'
  | 'initdb_failed'
  | 'start_failed'
  | 'stop_failed'
  | 'not_answering'
  | 'locked'

/** The embedded server could not be started, reached or stopped; the message ends with the remedy. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError'
  /** Stable, for programs. */
  readonly code: EmbeddedErrorCode

  constructor(code: EmbeddedErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The `code` of a system error (`ENOENT`, …); undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}
