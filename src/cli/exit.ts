import { CommanderError } from 'commander'
import { EmbeddedError } from '../embedded.ts'
import { ConfigError, codeOf, ExecutorError, isTransient } from '../errors.ts'
import { MigrateError } from '../migrate.ts'
import { ConnectError, UsageError, WaitTimeoutError } from './errors.ts'
import { InterruptedError } from './interruption.ts'

/** What a command's exit code means. Signals that end a command give 130 (INT) and 143 (TERM). */
export const EXIT = {
  ok: 0,
  /** What was asked for happened, and its outcome is bad: a job failed, doctor found a fault. */
  failure: 1,
  usage: 2,
  cannotConnect: 3,
  /** The database has no jobtable, or one of a version that the command cannot work with. */
  schema: 4,
  /** The database refused a statement. */
  refused: 5,
  waitTimedOut: 124,
} as const

export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    a job failed, or doctor found a fault
  2    wrong usage, or an executor at fault
  3    the database cannot be reached
  4    its schema is missing, or of a version that the command cannot work with
  5    the database refused
  124  --wait timed out
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM

Database: --database-url, else JOBTABLE_DATABASE_URL, DATABASE_URL, PGHOST and the other
PG* variables, else the server that "jobtable up" runs on ./.jobtable.`

/** Refusals of the installer that are about the database's version; the others are exit code 5. */
const SCHEMA_CODES: ReadonlySet<string> = new Set([
  'schema_missing',
  'schema_behind',
  'schema_ahead',
  'checksum_mismatch',
  'history_gap',
  'server_too_old',
])

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof InterruptedError) return error.exitCode
  if (error instanceof WaitTimeoutError) return EXIT.waitTimedOut
  if (error instanceof ConnectError || error instanceof EmbeddedError) return EXIT.cannotConnect
  if (error instanceof UsageError || error instanceof ConfigError) return EXIT.usage
  if (error instanceof ExecutorError) return EXIT.usage
  if (error instanceof MigrateError) {
    return SCHEMA_CODES.has(error.code) ? EXIT.schema : EXIT.refused
  }
  if (isSqlState(error)) return isLost(error) ? EXIT.cannotConnect : EXIT.refused
  return isTransient(error) ? EXIT.cannotConnect : EXIT.failure
}

/** Whether the database itself has said no, by one of the queue's rules or of its own. */
function isSqlState(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(codeOf(error) ?? '')
}

/** Whether the server has ended the connection, or was about to. */
function isLost(error: unknown): boolean {
  return /^(08|57P)/.test(codeOf(error) ?? '')
}
