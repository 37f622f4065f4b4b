import { type Database, type Id, jsonText, one, prepared } from '../database.ts'
import type { JsonSchema } from '../payload-schema.ts'
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
  readonly heartbeatMs: number
  readonly leaseMs: number
}

/** Writes a worker's row and answers its number; `id` is that of one whose row was deleted. */
export async function startWorker(database: Database, worker: WorkerRow, id?: Id): Promise<Id> {
  const row = await one<{ id: Id }>(
    database,
    'select jobtable_internal.start_worker($1, $2, $3, $4, $5, $6, $7, $8) as id',
    [
      id ?? null,
      worker.host,
      worker.pid,
      worker.version,
      worker.types,
      worker.capacity,
      worker.heartbeatMs,
      worker.leaseMs,
    ],
  )
  return row.id
}

export async function stopWorker(database: Database, worker: Id): Promise<void> {
  await one(database, 'select jobtable_internal.stop_worker($1)', [worker])
}

/** A job that a client has asked to stop. */
export interface CancelRequest {
  readonly id: Id
  /** Who; null if the record of it is gone. */
  readonly by: string | null
  /** Why, if anything was said. */
  readonly reason: string | null
}

/** Another worker that has missed a sign of life. */
export interface SilentWorker {
  readonly id: Id
  /** Its last one, as PostgreSQL writes it. */
  readonly seen_at: string
  /** Whether the session in which it listened has ended. */
  readonly hung_up: boolean
  readonly heartbeat_ms: number
  readonly lease_ms: number
}

export interface Beat {
  readonly worker: Id
  /** Whether notifications arrive. */
  readonly listens: boolean
  readonly held: readonly Pick<HandedJob, 'id' | 'lease'>[]
  /** Leases under which nothing is held any more. */
  readonly closed: readonly Id[]
  /** Those of which the database shall see for itself whether that is so. */
  readonly doubtful: readonly Id[]
}

export interface BeatAnswer {
  /** Whether the worker's row is there. */
  readonly known: boolean
  /** Whether others have taken its jobs for lost since. */
  readonly wasLost: boolean
  readonly cancels: readonly CancelRequest[]
  /** Of the types that have a timeout, in milliseconds. */
  readonly timeouts: ReadonlyMap<string, number>
  readonly silent: readonly SilentWorker[]
  /** Workers that stopped or were lost, and left jobs behind. */
  readonly orphans: readonly Id[]
}

interface BeatRow {
  readonly known: boolean
  readonly was_lost: boolean
  readonly cancels: CancelRequest[] | null
  readonly timeouts: Record<string, number> | null
  readonly silent: SilentWorker[] | null
  readonly orphans: Id[] | null
}

const BEAT = prepared('select * from jobtable_internal.beat($1, $2, $3, $4, $5, $6)')

export async function beat(database: Database, sign: Beat): Promise<BeatAnswer> {
  const { worker, listens, held, closed, doubtful } = sign
  const row = await one<BeatRow>(database, BEAT, [
    worker,
    held.length,
    listens,
    held.map((job) => job.id),
    closed,
    doubtful,
  ])
  return {
    known: row.known,
    wasLost: row.was_lost,
    cancels: row.cancels ?? [],
    timeouts: new Map(Object.entries(row.timeouts ?? {})),
    silent: row.silent ?? [],
    orphans: row.orphans ?? [],
  }
}

/** A sign of life of a worker whose own thread is busy. */
export async function stillHere(database: Database, worker: Id): Promise<void> {
  await one(database, 'select jobtable_internal.still_here($1)', [worker])
}

/** Those of the jobs that a client has asked to stop. */
export async function askedToStop(
  database: Database,
  ids: readonly Id[],
): Promise<readonly CancelRequest[]> {
  const row = await one<{ cancels: CancelRequest[] | null }>(
    database,
    'select jobtable_internal.asked_to_stop($1) as cancels',
    [ids],
  )
  return row.cancels ?? []
}

/** Those of the jobs that are not held under their lease any more. */
export async function notHeld(
  database: Database,
  held: readonly HandedJob[],
): Promise<readonly HandedJob[]> {
  const row = await one<{ positions: number[] }>(
    database,
    'select jobtable_internal.check_held($1, $2) as positions',
    [held.map((job) => job.id), held.map((job) => job.lease)],
  )
  const positions = new Set(row.positions)
  return held.filter((_, index) => positions.has(index + 1))
}

/** Takes jobs from a worker that has stopped, or was seen last at `seenAt` and is silent since. */
export async function rescue(
  database: Database,
  worker: Id,
  seenAt: string | null,
  limit: number,
): Promise<{ readonly rescued: number; readonly more: boolean }> {
  return await one(database, 'select * from jobtable_internal.rescue($1, $2, $3)', [
    worker,
    seenAt,
    limit,
  ])
}

/** Columns of job_type as an executor declares them; an interval as PostgreSQL writes it. */
export interface DeclaredType {
  readonly description: string | null
  readonly priority: number
  readonly max_attempts: number
  readonly timeout: string | null
  readonly backoff: 'fixed' | 'exponential'
  readonly backoff_delay: string
  readonly backoff_limit: string
  readonly backoff_jitter: number
  /** Null keeps finished jobs for ever. */
  readonly retention: string | null
  readonly failed_retention: string | null
  /** The facet tables that it declares, by name; null: none. */
  readonly facets: readonly string[] | null
}

/**
 * Registers a type and answers its id.
 *
 * @param payloadSchema what a payload must be; null takes any object
 */
export async function registerType(
  database: Database,
  name: string,
  declared: Partial<DeclaredType>,
  payloadSchema: JsonSchema | null = null,
): Promise<number> {
  const row = await one<{ id: number }>(
    database,
    'select jobtable_internal.register_type($1, $2, $3) as id',
    [name, jsonText(declared), payloadSchema === null ? null : jsonText(payloadSchema)],
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

/**
 * Locks the row of a job that is held, in the transaction that is about to complete it: what is told in
 * there passes over rows that a client has locked, and this waits for it, as the completion does.
 */
export async function holdLease(
  database: Database,
  { id, lease }: Pick<HandedJob, 'id' | 'lease'>,
): Promise<void> {
  await one(database, 'select jobtable_internal.require_lease($1, $2, false)', [id, lease])
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

/** Removes finished jobs whose retention is over, at most about `limit`, and answers how many. */
export async function purge(database: Database, limit: number): Promise<number> {
  const row = await one<{ count: number }>(
    database,
    'select jobtable_internal.purge($1) as count',
    [limit],
  )
  return row.count
}

/** Removes events of jobs whose retention is over, at most `limit`, and answers how many. */
export async function purgeEvents(database: Database, limit: number): Promise<number> {
  const row = await one<{ count: number }>(
    database,
    'select jobtable_internal.purge_events($1) as count',
    [limit],
  )
  return row.count
}

/** Shortens the list that counts are added up from, if it is long and nobody else is at it. */
export async function foldTally(database: Database): Promise<void> {
  await one(database, 'select jobtable_internal.fold_tally()', [])
}
