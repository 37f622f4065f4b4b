/** Options shared by all errors of jobtable. */
export interface ErrorOptionsWithDetail {
  readonly cause?: unknown
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

/**
 * The base of every error that jobtable throws on purpose. `code` is stable and for programs;
 * `message` names the object, the fact and the remedy, and is for people.
 */
export class JobtableError extends Error {
  override readonly name: string = 'JobtableError'
  readonly code: string
  readonly detail: string | undefined
  readonly hint: string | undefined

  constructor(code: string, message: string, options: ErrorOptionsWithDetail = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.detail = options.detail
    this.hint = options.hint
  }
}

/** A setting that is missing or makes no sense: a database URL, an option of a worker or command. */
export class ConfigError extends JobtableError {
  override readonly name = 'ConfigError'
}

/** An executor's file or definition is at fault. The message names the file and the fault. */
export class ExecutorError extends JobtableError {
  override readonly name = 'ExecutorError'
}

/** The payload does not fit the executor's schema. The job ends failed before `execute` is called. */
export class PayloadError extends JobtableError {
  override readonly name = 'PayloadError'
}

/** The database refused a statement by one of the queue's rules; `code` is its SQLSTATE. */
export class RefusedError extends JobtableError {
  override readonly name: string = 'RefusedError'
}

/** This worker no longer holds the job: it finished, was given back, or runs elsewhere. */
export class LeaseLostError extends RefusedError {
  override readonly name = 'LeaseLostError'
}

/**
 * Thrown by an executor: the attempt has failed, and the next one, if any is left, may begin after
 * `delayMs` milliseconds, whatever the type's backoff says.
 */
export class RetryAfter extends JobtableError {
  override readonly name = 'RetryAfter'
  readonly delayMs: number

  constructor(delayMs: number, message: string, options: { readonly cause?: unknown } = {}) {
    super('retry_after', message, options)
    this.delayMs = duration(delayMs)
  }
}

/** Thrown by an executor: the job has failed, and no other attempt would help. */
export class PermanentFailure extends JobtableError {
  override readonly name = 'PermanentFailure'

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('permanent_failure', message, options)
  }
}

/**
 * Thrown by an executor: there is nothing to do yet. The job waits for `delayMs` milliseconds and begins
 * anew; this was no attempt.
 */
export class Snooze extends JobtableError {
  override readonly name = 'Snooze'
  readonly delayMs: number

  constructor(delayMs: number, message = 'snoozed') {
    super('snooze', message)
    this.delayMs = duration(delayMs)
  }
}

function duration(ms: number): number {
  if (ms >= 0 && Number.isFinite(ms)) return ms
  throw new RangeError(`${ms} is no delay: give milliseconds, 0 or more`)
}

/** Why an executor's signal fired: the attempt takes longer than its timeout. */
export class TimeoutError extends JobtableError {
  override readonly name = 'TimeoutError'
}

/**
 * The process of an executor's own could not be started (`process_start`), ended before its executor
 * did (`process_exit`), used more memory than it may (`process_memory`), or was killed because the
 * executor did not stop when it was told to (`process_killed`).
 */
export class ProcessError extends JobtableError {
  override readonly name = 'ProcessError'
}

/** Why an executor's signal fired: its worker is stopping. The attempt is not counted. */
export class ShutdownError extends JobtableError {
  override readonly name = 'ShutdownError'
}

/** Why an executor's signal fired: a client set `cancel_requested`. The job ends cancelled. */
export class CancelledError extends RefusedError {
  override readonly name = 'CancelledError'
}

/** One SQLSTATE of the queue. */
export interface SqlState {
  readonly code: string
  /** A short stable name. */
  readonly name: string
  readonly meaning: string
  readonly remedy: string
}

/** Every SQLSTATE that the queue raises, in order. The reference is generated from this table. */
export const sqlStates: readonly SqlState[] = [
  {
    code: 'JT001',
    name: 'unknown_type',
    meaning: 'The job names a type that no executor has registered, or no type at all.',
    remedy:
      'Start a worker with the executor, or run `jobtable register`; the hint names similar types.',
  },
  {
    code: 'JT002',
    name: 'payload_invalid',
    meaning:
      'The payload does not fit the schema of its type; or it (or properties) is not a JSON object, or has more than 16 MB as text; or the title has more than 10,000 bytes or the owner or the key more than 1,000; or max_attempts or timeout is not above 0.',
    remedy:
      'The detail names each place, what was expected and what was found. Wrap the value: {"value": …}. Keep what is large elsewhere, and its address in the payload.',
  },
  {
    code: 'JT003',
    name: 'not_supported',
    meaning: 'The column belongs to a feature that this version does not have.',
    remedy: 'Leave the column out, or set it to null.',
  },
  {
    code: 'JT004',
    name: 'queue_column',
    meaning:
      'The column is written by the queue alone: status, attempt, the times, worker, lease, id …',
    remedy: 'Leave the column out.',
  },
  {
    code: 'JT005',
    name: 'illegal_transition',
    meaning: 'The status cannot be changed in this way by a client.',
    remedy:
      "DELETE cancels what has not begun, cancel_requested asks a started job to stop, status = 'new' resubmits a finished one.",
  },
  {
    code: 'JT006',
    name: 'started_job_deleted',
    meaning: 'A started job cannot be cancelled by DELETE.',
    remedy: 'update jobtable.job set cancel_requested = true where id = …',
  },
  {
    code: 'JT007',
    name: 'finished_job_cancelled',
    meaning: 'The job has finished; there is nothing to cancel.',
    remedy: 'DELETE removes it from the record.',
  },
  {
    code: 'JT008',
    name: 'key_held',
    meaning: 'A finished job cannot run again while another unfinished job holds its key.',
    remedy:
      'Wait until the holder has finished, or delete it. (At INSERT a held key is 23505, so that ON CONFLICT works.)',
  },
  {
    code: 'JT009',
    name: 'fixed_column',
    meaning:
      'The column is fixed at INSERT: id, type, owner, key of a job; the name of a job type.',
    remedy: 'Delete the job and insert another.',
  },
  {
    code: 'JT010',
    name: 'too_late_to_steer',
    meaning: 'The job is past the status up to which this column may be changed.',
    remedy:
      'payload is steered while new; priority, run_at, paused, max_attempts and timeout until the job starts; title and properties always.',
  },
  {
    code: 'JT011',
    name: 'truncate_refused',
    meaning: 'TRUNCATE would remove started jobs under their workers.',
    remedy: "delete from jobtable.job where status <> 'started'",
  },
  {
    code: 'JT012',
    name: 'unknown_facet',
    meaning: 'There is no such table, or it is not a facet of jobs.',
    remedy: "Create the table and call jobtable.add_facet('schema.table').",
  },
  {
    code: 'JT013',
    name: 'facet_field_invalid',
    meaning: 'The facet has no such column, or the column cannot take the value.',
    remedy: 'Name the columns as the table has them, with values of their types.',
  },
  {
    code: 'JT014',
    name: 'lease_lost',
    meaning: 'The writer no longer holds the job; nothing was written.',
    remedy: 'Stop working on it.',
  },
  {
    code: 'JT015',
    name: 'no_such_job',
    meaning: 'There is no job with this id: it was deleted, or never committed.',
    remedy: 'Check the id.',
  },
  {
    code: 'JT016',
    name: 'type_in_use',
    meaning: 'A job type cannot be deleted while jobs of it exist.',
    remedy: 'Delete its jobs first.',
  },
  {
    code: 'JT017',
    name: 'worker_holds_jobs',
    meaning: 'The row of a worker cannot be deleted while it may hold jobs.',
    remedy: 'Stop the worker; if it is dead, others rescue its jobs within seconds.',
  },
  {
    code: 'JT018',
    name: 'asked_to_stop',
    meaning: "A client has asked the job to stop: the executor's transaction is not committed.",
    remedy: 'Stop working on it.',
  },
  {
    code: 'JT020',
    name: 'payload_schema_invalid',
    meaning: 'The schema of payloads has something that is not understood; the detail says where.',
    remedy: 'Write it in the keywords of JSON Schema that docs/payloads.md lists.',
  },
  {
    code: 'JT022',
    name: 'quota_unfinished',
    meaning: 'The owner would have more unfinished jobs than its quota allows.',
    remedy: 'Wait until some have finished, delete some, or have jobtable.owner_quota raised.',
  },
  {
    code: 'JT023',
    name: 'quota_rate',
    meaning: 'The owner would insert more jobs within a minute than its quota allows.',
    remedy: 'Try again at the time that the hint tells, or insert fewer jobs at once.',
  },
  {
    code: 'JT024',
    name: 'isolation_incomplete',
    meaning:
      'Owners cannot be kept apart like this: a role is missing, or the source of the owner.',
    remedy: 'The hint says what to create or to choose.',
  },
  {
    code: 'JT025',
    name: 'view_only',
    meaning: 'The job is shared with the current owner to be viewed, and no more.',
    remedy: "Ask its owner for a row of jobtable.job_share with level 'act'.",
  },
  {
    code: 'JT026',
    name: 'type_disabled',
    meaning: 'An operator has disabled the type: no job of it is inserted.',
    remedy: 'update jobtable.job_type set enabled = true where name = …',
  },
  {
    code: 'JT027',
    name: 'not_declared',
    meaning: 'The executor of the type declares no such column, so that it cannot be reset.',
    remedy: 'Set a column that no executor declares by UPDATE of jobtable.job_type.',
  },
  {
    code: 'JT028',
    name: 'report_name_taken',
    meaning: "Another table or view has the name of the type's report.",
    remedy: 'Choose another schema: select jobtable.create_report(type, schema).',
  },
  {
    code: 'JT029',
    name: 'no_owner',
    meaning: 'The owner comes from a claim of the JWT, and the claims of the request lack it.',
    remedy: 'Send a token with the claim that jobtable.set_owner_source() names, by default sub.',
  },
]

/** SQLSTATE to class, for those that have a class of their own; the others are RefusedError. */
const classes: ReadonlyMap<string, typeof RefusedError> = new Map<string, typeof RefusedError>([
  ['JT014', LeaseLostError],
  ['JT018', CancelledError],
])

interface DatabaseErrorFields {
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
}

function hasCode(error: unknown): error is DatabaseErrorFields {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** The SQLSTATE of a statement that gave up waiting for a lock. */
export const LOCK_NOT_AVAILABLE = '55P03'

/** The SQLSTATE of a statement that the role has no right to. */
export const NOT_PERMITTED = '42501'

/** The SQLSTATE of a statement that took longer than statement_timeout. */
export const QUERY_CANCELLED = '57014'

/** The SQLSTATE (or the system's code) of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  return hasCode(error) ? error.code : undefined
}

/** An error of the driver as one of ours where the queue raised it; anything else as it is. */
export function fromDatabase(error: unknown): unknown {
  if (!hasCode(error) || !error.code.startsWith('JT') || error instanceof JobtableError)
    return error
  const Class = classes.get(error.code) ?? RefusedError
  return new Class(error.code, error.message, {
    cause: error,
    detail: error.detail,
    hint: error.hint,
  })
}

/**
 * Whether the same statement may succeed if it is sent again: the connection is at fault, the server
 * is starting, stopping or full (classes 08, 53, 57P), or a lock or serialization was lost.
 */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error)
  if (code === undefined) {
    // The driver's own errors of a broken connection carry no code.
    return (
      error instanceof Error && /connection|timeout|terminat|not queryable/i.test(error.message)
    )
  }
  return (
    /^(08|53|57P)/.test(code) ||
    /^(40001|40P01|55P03|57014)$/.test(code) ||
    /^(ECONN|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT)/.test(code)
  )
}

/** Whether the server itself has refused: then nothing of the statement has happened. */
export function wasAnswered(error: unknown): boolean {
  return /^(?!08|57P)[0-9A-Z]{5}$/.test(codeOf(error) ?? '')
}

/** Whether a statement was refused for a reason that does not pass by itself in a moment. */
export function isRefusal(error: unknown): boolean {
  return isFaultOfData(error) || (wasAnswered(error) && !isTransient(error))
}

/** Whether a statement failed for what it was to write: data, constraints, program limits. */
export function isFaultOfData(error: unknown): boolean {
  return error instanceof RangeError || /^(21|22|23|54|JT)/.test(codeOf(error) ?? '')
}
