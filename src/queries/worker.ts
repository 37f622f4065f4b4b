import { all, type Database, type Id, jsonText, one } from '../database.ts'
import type { HandedJob } from './tick.ts'

/** Takes back what the worker has promised of these types, and wakes the others. */
export async function leave(database: Database, typeIds: readonly number[]): Promise<void> {
  await one(database, 'select jobtable_internal.leave($1)', [typeIds])
}

export async function notify(database: Database, channel: string, payload = ''): Promise<void> {
  await one(database, 'select pg_notify($1, $2)', [channel, payload])
}

export interface WorkerRow {
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly types: readonly string[]
  readonly capacity: number
}

export async function startWorker(database: Database, worker: WorkerRow): Promise<Id> {
  const row = await one<{ id: Id }>(
    database,
    'select jobtable_internal.start_worker($1, $2, $3, $4, $5) as id',
    [worker.host, worker.pid, worker.version, worker.types, worker.capacity],
  )
  return row.id
}

export async function stopWorker(database: Database, worker: Id): Promise<void> {
  await one(database, 'select jobtable_internal.stop_worker($1)', [worker])
}

export interface BeatAnswer {
  readonly alive: boolean
  /** Jobs that a client has asked to stop. */
  readonly cancels: readonly Id[]
}

export async function beat(
  database: Database,
  worker: Id,
  held: readonly Pick<HandedJob, 'id' | 'lease'>[],
  closedLeases: readonly Id[],
): Promise<BeatAnswer> {
  return one<{ alive: boolean; cancels: Id[] }>(
    database,
    'select * from jobtable_internal.beat($1, $2, $3, $4)',
    [worker, held.length, held.map((job) => job.id), closedLeases],
  )
}

export interface TypeRow {
  readonly name: string
  readonly description: string | null
  readonly priority: number
  /** An interval as PostgreSQL writes it; null keeps finished jobs for ever. */
  readonly retention: string | null
  readonly failedRetention: string | null
}

/** Registers a type and answers its id. */
export async function registerType(database: Database, type: TypeRow): Promise<number> {
  const row = await one<{ id: number }>(
    database,
    'select jobtable_internal.register_type($1, $2, $3, $4, $5) as id',
    [type.name, type.description, type.priority, type.retention, type.failedRetention],
  )
  return row.id
}

/** How long the SQL of an executor waits for a lock, lest everybody queue up behind it. */
const SETUP_LOCK_TIMEOUT = '2s'

/**
 * Runs the SQL of an executor as one transaction, of which there is never more than one at a time: of
 * two that create the same table at once, one would fail.
 */
export async function setUp(database: Database, sql: string): Promise<void> {
  await database.query(
    `select set_config('lock_timeout', '${SETUP_LOCK_TIMEOUT}', true),
       pg_advisory_xact_lock(hashtextextended('jobtable: setup of executors', 0));
     ${sql}`,
  )
}

export interface ProgressRow {
  readonly id: Id
  readonly lease: Id
  readonly fraction: number | undefined
  readonly stage: string | undefined
  readonly message: string | undefined
}

/** Writes progress and answers the ids whose row a client has locked. */
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

/** Writes log lines and answers the indexes of those whose job a client has locked. */
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
): Promise<void> {
  await one(database, 'select jobtable_internal.write_facet($1, $2, $3, $4)', [
    job.id,
    job.lease,
    facet,
    jsonText(fields),
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
  const rows = await all(
    database,
    "select from jobtable.job where id = $1 and lease = $2 and status = 'completed'",
    [job.id, job.lease],
  )
  return rows.length > 0
}

/** Removes finished jobs whose retention is over, at most about `limit`, and answers how many. */
export async function purge(database: Database, limit: number): Promise<number> {
  const row = await one<{ count: number }>(
    database,
    'select jobtable_internal.purge($1) as count',
    [limit],
  )
  return row.count
}
