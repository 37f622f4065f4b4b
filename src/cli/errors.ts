import { JobtableError } from '../errors.ts'

/** The command line was used wrongly; `message` says how, `hint` what would be right. */
export class UsageError extends JobtableError {
  override readonly name = 'UsageError'

  constructor(message: string, hint?: string) {
    super('usage', message, { hint })
  }
}

/** The database that was named cannot be reached. The message names it, without its password. */
export class ConnectError extends JobtableError {
  override readonly name = 'ConnectError'
}

/** The job was still not finished when the time given to `--wait` was over. */
export class WaitTimeoutError extends JobtableError {
  override readonly name = 'WaitTimeoutError'
}

/** What was asked for has been done, with a bad outcome: see EXIT.failure. */
export class OutcomeError extends JobtableError {
  override readonly name = 'OutcomeError'
}

/** Node's error for several addresses that all failed has no message of its own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0])
  return error instanceof Error ? error.message || error.name : String(error)
}
