import { setTimeout as sleep } from 'node:timers/promises'
import { withRetry } from './backoff.ts'
import type { Database, Id } from './database.ts'
import { codeOf, JobtableError, RefusedError } from './errors.ts'
import {
  cancelJob,
  insertJob,
  type JobState,
  type JobStatus,
  jobState,
  type NewJob,
  resubmitJob,
} from './queries/jobs.ts'

export type { JobState, JobStatus, NewJob } from './queries/jobs.ts'

/** How soon a job is looked at again after something has changed, in milliseconds. */
const POLL_MS = 50
/** And at the latest, however long nothing changes. */
const SLOW_POLL_MS = 500
/** How much longer each pause is than the one before. */
const SLOWER = 1.25
/** How long the database may be away while somebody waits, in milliseconds. */
const OUTAGE_MS = 30_000

/**
 * Inserts a job and answers its id. Inside a transaction the job exists when that commits.
 *
 * Errors, by `code`: JT001 (unknown type), JT002 (payload is not an object), JT003, JT004; 23505 (an
 * unfinished job of the same owner and type holds the key). Any other is the driver's own.
 */
export async function submit(database: Database, job: NewJob): Promise<Id> {
  try {
    return await insertJob(database, job)
  } catch (error) {
    throw isHeldKey(error) ? heldKey(job, error) : error
  }
}

/**
 * Cancels a job: `deleted` if it had not begun, else `requested`: its executor is asked to stop, and told
 * the reason, of which jobtable.job_cancel keeps 1,000 characters. Errors, by `code`: JT007 (it has
 * finished), JT015 (no such job).
 */
export async function cancel(
  database: Database,
  id: Id,
  reason?: string,
): Promise<'deleted' | 'requested'> {
  return cancelJob(database, id, reason)
}

/**
 * Runs a finished job again. Errors, by `code`: JT005 (it has not finished), JT008 (another unfinished
 * job holds its key), JT015 (no such job).
 */
export async function resubmit(database: Database, id: Id): Promise<void> {
  await resubmitJob(database, id)
}

export interface WaitOptions {
  /** Ends the waiting with the signal's reason; the job goes on. AbortSignal.timeout(…), say. */
  readonly signal?: AbortSignal | undefined
  /** Called at every look with what was found, and whether it differs from the look before. */
  readonly onLook?: ((state: JobState, changed: boolean) => void | Promise<void>) | undefined
}

/**
 * Waits until a job is completed, failed or cancelled, and answers how it ended. It looks every 50
 * ms at first and every 500 ms at last, through any pooler, and survives outages of 30 seconds.
 *
 * Errors: JT015 if there is no such job, or not any more; the signal's reason.
 */
export async function waitFor(
  database: Database,
  id: Id,
  { signal, onLook }: WaitOptions = {},
): Promise<JobState> {
  let pauseMs = POLL_MS
  let known = ''
  for (;;) {
    signal?.throwIfAborted()
    const outage = AbortSignal.timeout(OUTAGE_MS)
    const state = await withRetry(
      () => jobState(database, id),
      signal === undefined ? outage : AbortSignal.any([signal, outage]),
    )
    if (state === undefined) throw noSuchJob(id)
    const now = JSON.stringify(state)
    const changed = now !== known
    known = now
    if (changed) pauseMs = POLL_MS
    await onLook?.(state, changed)
    if (isFinal(state.status)) return state
    await pause(pauseMs, signal)
    pauseMs = Math.min(SLOW_POLL_MS, pauseMs * SLOWER)
  }
}

/** Whether a job in this status has come to its end. */
export function isFinal(status: JobStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** The refusal of anything that is asked of a job which is not there. */
export function noSuchJob(id: Id): RefusedError {
  return new RefusedError('JT015', `there is no job ${id}`, {
    hint: 'It was deleted, or never committed.',
  })
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

const KEY_CONSTRAINT = 'job_key_is_held_once'

function isHeldKey(error: unknown): error is Error {
  return (
    error instanceof Error &&
    !(error instanceof JobtableError) &&
    codeOf(error) === '23505' &&
    'constraint' in error &&
    error.constraint === KEY_CONSTRAINT
  )
}

function heldKey(job: NewJob, cause: Error): RefusedError {
  return new RefusedError(
    '23505',
    `another unfinished job of type "${job.type}" holds the key "${job.key}"`,
    {
      cause,
      detail: 'detail' in cause && typeof cause.detail === 'string' ? cause.detail : undefined,
      hint: 'Wait until it has finished, or cancel it.',
    },
  )
}
