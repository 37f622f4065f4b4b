import type { Pool } from 'pg'
import { type JobState, waitFor } from '../client.ts'
import type { Id } from '../database.ts'
import { codeOf } from '../errors.ts'
import { hasLiveWorker } from '../queries/status.ts'
import { OutcomeError, WaitTimeoutError } from './errors.ts'
import { LogFollower, logText } from './job-log.ts'
import { ProgressBar } from './progress-bar.ts'

export interface FollowOptions {
  /** Whether to print its log lines. */
  readonly logs: boolean
  /** undefined: for ever. */
  readonly timeoutSeconds?: number | undefined
}

/**
 * Waits for a job's end and shows meanwhile, on standard error, how far it is. Throws a
 * WaitTimeoutError when the time is over, and an OutcomeError if the job was deleted.
 */
export async function follow(database: Pool, id: Id, options: FollowOptions): Promise<JobState> {
  const { timeoutSeconds } = options
  const progress = new ProgressBar(`job ${id}`)
  const logs = new LogFollower(database, id)
  const tellAt = performance.now() + UNATTENDED_MS
  let told = false
  const signal =
    timeoutSeconds === undefined
      ? undefined
      : AbortSignal.timeout(Math.min(timeoutSeconds * 1000, MAX_TIMER_MS))
  try {
    return await waitFor(database, id, {
      signal,
      onLook: async (state, changed) => {
        // The lines after the state: of a finished job there are none to come.
        if (options.logs) for (const line of await logs.next()) progress.above(logText(line))
        if (changed) progress.show(state, state.status)
        const waiting = !told && state.status === 'new' && performance.now() > tellAt
        if (waiting && !(await hasLiveWorker(database, state.type))) {
          progress.above(`no live worker runs jobs of type "${state.type}": see "jobtable status"`)
        }
        told ||= waiting
      },
    })
  } catch (error) {
    if (signal?.aborted === true && error === signal.reason) throw timedOut(id, timeoutSeconds)
    if (codeOf(error) === 'JT015') throw new OutcomeError('deleted', `job ${id} was deleted`)
    throw error
  } finally {
    progress.clear()
  }
}

/** A job that is still new after this time, in milliseconds, may have nobody to run it. */
const UNATTENDED_MS = 1_000

/** The longest time that a timer of Node holds: 24 days. */
const MAX_TIMER_MS = 2_147_483_647

function timedOut(id: Id, seconds: number | undefined): WaitTimeoutError {
  return new WaitTimeoutError('wait_timeout', `job ${id} was not finished after ${seconds} s`, {
    hint: `It goes on: see "jobtable show ${id}".`,
  })
}

/** Throws an OutcomeError unless the job was completed. */
export function requireCompleted(state: JobState): void {
  if (state.status === 'completed') return
  const why = state.status_detail === null ? '' : `: ${state.status_detail}`
  throw new OutcomeError(`job_${state.status}`, `job ${state.id} ${verb(state)}${why}`, {
    hint: `See "jobtable show ${state.id}".`,
  })
}

function verb({ status }: JobState): string {
  return status === 'cancelled' ? 'was cancelled' : status
}
