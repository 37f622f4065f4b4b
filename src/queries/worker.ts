import { type Database, type Id, one, prepared } from '../database.ts'
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
  /** How many jobs of each of them it runs at once. */
  readonly limits: readonly number[]
  readonly capacity: number
  readonly heartbeatMs: number
  readonly leaseMs: number
}

/** Writes a worker's row and answers its number; `id` is that of one whose row was deleted. */
export async function startWorker(database: Database, worker: WorkerRow, id?: Id): Promise<Id> {
  const row = await one<{ id: Id }>(
    database,
    'select jobtable_internal.start_worker($1, $2, $3, $4, $5, $6, $7, $8, $9) as id',
    [
      id ?? null,
      worker.host,
      worker.pid,
      worker.version,
      worker.types,
      worker.limits,
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
