import {
  CancelledError,
  type JobtableError,
  LeaseLostError,
  PayloadError,
  PermanentFailure,
  RetryAfter,
  ShutdownError,
  Snooze,
} from './errors.ts'
import type { Outcome, StoredError } from './queries/tick.ts'
import { storedError } from './stored-error.ts'

/** An outcome but for whose it is. */
export type Verdict = Omit<Outcome, 'id' | 'lease'>

/** The longest status_detail, in characters: it is one line of a table that people read. */
const MAX_DETAIL = 500

/** What becomes of an attempt whose executor has ended with an error, and had not been asked to. */
export function verdictOn(error: unknown): Verdict | undefined {
  // The database has told it before the worker could.
  if (error instanceof CancelledError) return verdictOnAborted(error, storedError(error))
  if (error instanceof Snooze) {
    return { outcome: 'snoozed', detail: firstLine(error.message), delay_ms: error.delayMs }
  }
  return {
    ...failure(storedError(error)),
    permanent: error instanceof PermanentFailure || error instanceof PayloadError,
    delay_ms: error instanceof RetryAfter ? error.delayMs : undefined,
  }
}

/** An attempt that has failed for nothing but its error. */
export function failure(error: StoredError): Verdict {
  return { outcome: 'failed', detail: `${error.name}: ${firstLine(error.message)}`, error }
}

/**
 * What becomes of an attempt that was asked to end and has ended with an error, or was given up.
 * Undefined: it is another's by now, and there is nothing to write.
 */
export function verdictOnAborted(reason: JobtableError, error: StoredError): Verdict | undefined {
  const detail = firstLine(reason.message)
  if (reason instanceof LeaseLostError) return undefined
  if (reason instanceof CancelledError) return { outcome: 'cancelled', detail, error }
  if (reason instanceof ShutdownError) return { outcome: 'released', detail, error }
  const { name, message } = reason
  // What the executor ended with may be another error; the reason is what happened.
  const isOther = error.name !== name
  const cause = isOther ? `${error.name}: ${error.message}` : error.cause
  return {
    outcome: 'timed_out',
    detail,
    error: isOther ? { ...error, name, message, cause } : error,
  }
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, MAX_DETAIL)
}
