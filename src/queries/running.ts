import { type Database, type Id, jsonText, one } from '../database.ts'
import type { HandedJob } from './tick.ts'

/**
 * Locks what the transaction that is about to complete a job needs to write what the job has told: that
 * passes over what a client has locked, and this waits for it, as the completion does.
 */
export async function holdTold(
  database: Database,
  { id, lease }: Pick<HandedJob, 'id' | 'lease'>,
): Promise<void> {
  await one(database, 'select jobtable_internal.hold_told($1, $2)', [id, lease])
}

export interface ProgressRow {
  readonly id: Id
  readonly lease: Id
  readonly fraction: number | undefined
  readonly stage: string | undefined
  readonly message: string | undefined
}

/** Writes progress and answers the ids of the jobs that a client's lock keeps back. */
export async function writeProgress(
  database: Database,
  rows: readonly ProgressRow[],
): Promise<Id[]> {
  const row = await one<{ locked: Id[] }>(
    database,
    'select jobtable_internal.write_progress($1, $2, $3, $4, $5) as locked',
    [
      rows.map((r) => r.id),
      rows.map((r) => r.lease),
      rows.map((r) => r.fraction ?? null),
      rows.map((r) => r.stage ?? null),
      rows.map((r) => r.message ?? null),
    ],
  )
  return row.locked
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

export interface LogRow {
  readonly id: Id
  readonly lease: Id
  /** Milliseconds since the line was logged. */
  readonly ageMs: number
  readonly level: LogLevel
  readonly message: string
  /** JSON text. */
  readonly fields: string | undefined
}

/** Writes log lines and answers the indexes of those that a client's lock keeps back. */
export async function writeLogs(database: Database, rows: readonly LogRow[]): Promise<number[]> {
  const row = await one<{ locked: number[] }>(
    database,
    'select jobtable_internal.write_logs($1, $2, $3, $4, $5, $6) as locked',
    [
      rows.map((r) => r.id),
      rows.map((r) => r.lease),
      rows.map((r) => r.ageMs),
      rows.map((r) => r.level),
      rows.map((r) => r.message),
      rows.map((r) => r.fields ?? null),
    ],
  )
  return row.locked.map((position) => position - 1)
}

export async function writeFacet(
  database: Database,
  job: Pick<HandedJob, 'id' | 'lease'>,
  facet: string,
  fields: Readonly<Record<string, unknown>>,
  within: boolean,
): Promise<void> {
  await one(database, 'select jobtable_internal.write_facet($1, $2, $3, $4, $5)', [
    job.id,
    job.lease,
    facet,
    jsonText(fields),
    within,
  ])
}

/** Completes a job inside the executor's own transaction. */
export async function complete(
  database: Database,
  job: Pick<HandedJob, 'id' | 'lease'>,
  result: string | undefined,
): Promise<void> {
  await one(database, 'select jobtable_internal.complete($1, $2, $3)', [
    job.id,
    job.lease,
    result ?? null,
  ])
}

/** Whether a job was completed under this lease: asked when the answer to COMMIT was lost. */
export async function wasCompleted(
  database: Database,
  job: Pick<HandedJob, 'id' | 'lease'>,
): Promise<boolean> {
  const row = await one<{ completed: boolean }>(
    database,
    'select jobtable_internal.was_completed($1, $2) as completed',
    [job.id, job.lease],
  )
  return row.completed
}
