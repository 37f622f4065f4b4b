import { createHash } from 'node:crypto'
import type { ClientBase, Pool, QueryResultRow } from 'pg'
import { codeOf, fromDatabase } from './errors.ts'

/** Where a statement goes: a pool, or a client inside a transaction. */
export type Database = Pick<Pool, 'query'> | Pick<ClientBase, 'query'>

/** A number of a job, worker or lease: a bigint as decimal text, never a float. */
export type Id = string

/** A job as the database hands it to a worker. */
export interface HandedJob {
  readonly id: Id
  readonly lease: Id
  readonly status: 'queued' | 'started'
  readonly type: string
  readonly attempt: number
  readonly payload: Record<string, unknown>
  readonly owner: string
  readonly title: string | null
  readonly properties: Record<string, unknown>
  readonly priority: number | null
  readonly key: string | null
  /** Milliseconds since 1970, as the other times. */
  readonly createdAt: number
  readonly runAt: number
  readonly startedAt: number | null
}

/** How an attempt failed, as `job_attempt` keeps it. */
export interface StoredError {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  readonly cause?: string | undefined
}

/** How a job that was handed out came to its end, or back. */
export interface Outcome {
  readonly id: Id
  readonly lease: Id
  /** Released: it goes back to new. Returned: likewise, before its executor has begun. */
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'released' | 'returned'
  /** One line for people: status_detail. */
  readonly detail?: string | undefined
  /** JSON text. */
  readonly result?: string | undefined
  readonly error?: StoredError | undefined
}

/** The lanes of one type: which part of the backlog a claim looks at, and how many it may take. */
export interface LaneRange {
  readonly fromLane: number
  readonly fromSeq: Id
  readonly toLane: number
  readonly room: number
}

export interface TickRequest {
  readonly worker: Id
  readonly lease: Id
  readonly outcomes: readonly Outcome[]
  /** Queued jobs of the worker that shall begin now. */
  readonly begin: readonly Pick<HandedJob, 'id' | 'lease'>[]
  readonly ranges: readonly LaneRange[]
  /** How many jobs may be started. */
  readonly slots: number
  /** How many more may be queued. */
  readonly prefetch: number
  /** Whether the worker will look again in a moment, so that nobody need wake it. */
  readonly promises: boolean
  /** Whether it will even if it is given all that it asks for. */
  readonly stays: boolean
  /** Whether it waits for the end of transactions, and wants to know of those that are open. */
  readonly awaits: boolean
}

export interface TickAnswer {
  /** Outcomes not written because a client has locked the job's row: to be sent again. */
  readonly locked: readonly Id[]
  /** Outcomes refused because the job is no longer this worker's. */
  readonly lost: readonly Id[]
  /** Queued jobs that begin now, as they are now. */
  readonly begun: readonly HandedJob[]
  /** Queued jobs whose row a client has locked: still queued. */
  readonly waiting: readonly Id[]
  readonly claimed: readonly HandedJob[]
  /** How long the text was in which the claimed jobs came. */
  readonly claimedLength: number
  /** How many ids of entries were looked at, also of jobs that are gone. */
  readonly looked: number
  /** Whether entries are left to look at. */
  readonly more: boolean
  /** Milliseconds until the next scheduled job is due, if there is one. */
  readonly nextDueMs: number | undefined
  /** After a look that found nothing, if asked for: transactions that may yet make jobs claimable in silence. */
  readonly writers: readonly string[]
}

type TickColumns = {
  locked: Id[]
  lost: Id[]
  begun: string
  waiting: Id[]
  claimed: string
  looked: number
  more: boolean
  next_due_ms: number
  writers: string[]
}

/** What there is nothing to tell of is null. */
type TickRow = { [Column in keyof TickColumns]: TickColumns[Column] | null }

/** A statement that is sent again and again: each session parses and plans it once. */
interface Prepared {
  readonly text: string
  readonly name: string
}

/** The name holds the text: sessions behind a pooler are shared by workers of several versions. */
function prepared(text: string): Prepared {
  return { text, name: `jobtable_${createHash('sha256').update(text).digest('hex').slice(0, 16)}` }
}

/** Databases where a prepared statement is not found again: behind some poolers. */
const forgetful = new WeakSet<Database>()

/**
 * What a session says of a prepared statement that was never its own (26000), is another's (42P05), or
 * gives other columns than before (0A000). Nothing has happened then.
 */
const NOT_PREPARED: ReadonlySet<string | undefined> = new Set(['26000', '42P05', '0A000'])

/** The row of a statement that has exactly one. */
export async function one<R extends QueryResultRow>(
  database: Database,
  statement: string | Prepared,
  values: readonly unknown[],
): Promise<R> {
  const row = (await all<R>(database, statement, values))[0]
  if (row === undefined) throw new TypeError(`no row from: ${textOf(statement)}`)
  return row
}

/** The rows of a statement; an error by which the queue refuses it becomes one of ours. */
export async function all<R extends QueryResultRow>(
  database: Database,
  statement: string | Prepared,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const asIs = typeof statement === 'string' || forgetful.has(database)
  const query = asIs ? { text: textOf(statement) } : statement
  try {
    return (await database.query<R>({ ...query, values: [...values] })).rows
  } catch (error) {
    if (asIs || !NOT_PREPARED.has(codeOf(error))) throw fromDatabase(error)
    forgetful.add(database)
    return await all(database, statement, values)
  }
}

function textOf(statement: string | Prepared): string {
  return typeof statement === 'string' ? statement : statement.text
}

const TICK = prepared(
  `select * from jobtable_internal.tick(
     $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
     $16
   )`,
)

/** One round of a worker: outcomes, beginnings, claims, in one transaction. */
export async function tick(database: Database, request: TickRequest): Promise<TickAnswer> {
  const completed: Id[] = []
  const leases: Id[] = []
  const others: string[] = []
  for (const o of request.outcomes) {
    if (o.outcome === 'completed' && o.result === undefined && o.detail === undefined) {
      completed.push(o.id)
      leases.push(o.lease)
    } else {
      others.push(outcomeJson(o))
    }
  }
  const row = await one<TickRow>(database, TICK, [
    request.worker,
    request.lease,
    completed,
    leases,
    `[${others.join(',')}]`,
    request.begin.map((job) => job.id),
    request.begin.map((job) => job.lease),
    request.ranges.map((range) => range.fromLane),
    request.ranges.map((range) => range.fromSeq),
    request.ranges.map((range) => range.toLane),
    request.ranges.map((range) => range.room),
    request.slots,
    request.prefetch,
    request.promises,
    request.stays,
    request.awaits,
  ])
  return {
    locked: row.locked ?? [],
    lost: row.lost ?? [],
    begun: handedJobs(row.begun),
    waiting: row.waiting ?? [],
    claimed: handedJobs(row.claimed),
    claimedLength: row.claimed?.length ?? 0,
    looked: row.looked ?? 0,
    more: row.more ?? false,
    nextDueMs: row.next_due_ms ?? undefined,
    writers: row.writers ?? [],
  }
}

/** What jobtable_internal.batch() writes. */
type Batch = readonly [
  lease: Id,
  startedAt: number | null,
  usualType: string | null,
  usualOwner: string | null,
  ...jobs: HandedRow[],
]

/** What jobtable_internal.handed() writes of a job. */
type HandedRow = readonly [
  id: Id,
  attempt: number,
  createdAt: number,
  payload: Record<string, unknown>,
  type?: string,
  owner?: string,
  rest?: {
    readonly title: string | null
    readonly key: string | null
    readonly priority: number | null
    readonly run_at: string
    readonly properties: Record<string, unknown>
  },
]

/** The jobs of batches, whose texts are joined by commas. */
function handedJobs(text: string | null): HandedJob[] {
  if (text === null) return []
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- what batch() writes
  const batches: Batch[] = JSON.parse(`[${text}]`)
  return batches.flatMap(([lease, startedAt, usualType, usualOwner, ...jobs]) =>
    jobs.map(([id, attempt, createdAt, payload, type, owner, rest]) => ({
      id,
      lease,
      status: startedAt === null ? 'queued' : 'started',
      type: type ?? usualType ?? '',
      attempt,
      payload,
      owner: owner ?? usualOwner ?? '',
      title: rest?.title ?? null,
      properties: rest?.properties ?? {},
      priority: rest?.priority ?? null,
      key: rest?.key ?? null,
      createdAt,
      runAt: rest === undefined ? createdAt : Date.parse(rest.run_at),
      startedAt,
    })),
  )
}

/** An outcome as JSON text. A result is JSON text already and goes in as it is. */
function outcomeJson(outcome: Outcome): string {
  const { result, ...rest } = outcome
  const text = jsonText(rest)
  return result === undefined ? text : `${text.slice(0, -1)},"result":${result}}`
}

/** JSON that PostgreSQL takes: it has no NUL character, and no lone surrogates. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'string') return cleanText(item)
    if (typeof item === 'bigint') return item.toString()
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    const entries = Object.entries(item)
    if (entries.every(([key]) => key === cleanText(key))) return item
    return Object.fromEntries(entries.map(([key, member]) => [cleanText(key), member]))
  })
}

/** Text that PostgreSQL takes: without NUL characters, lone surrogates replaced. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}

/**
 * What the worker holds, after an answer was lost: fences the lease of the lost call, so that it has
 * either happened before this returns or never will.
 */
export async function adopt(database: Database, worker: Id, lease: Id): Promise<HandedJob[]> {
  const row = await one<{ jobs: string | null }>(
    database,
    'select jobtable_internal.adopt($1, $2) as jobs',
    [worker, lease],
  )
  return handedJobs(row.jobs)
}

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
