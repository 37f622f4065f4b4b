import { all, type Database, type Id, jsonText, one, prepared } from '../database.ts'

/** A job as the database hands it to a worker. */
export interface HandedJob {
  readonly id: Id
  readonly lease: Id
  readonly status: 'queued' | 'started'
  readonly type: string
  readonly attempt: number
  /** Of one that has not been fetched: its size in bytes. See withPayloads. */
  readonly payload: Record<string, unknown> | number
  readonly owner: string
  readonly title: string | null
  readonly properties: Record<string, unknown>
  readonly priority: number | null
  readonly key: string | null
  /** Milliseconds since 1970, as the other times. */
  readonly createdAt: number
  readonly runAt: number
  readonly startedAt: number | null
  /** The job's own, in milliseconds; null: its type's. */
  readonly timeoutMs: number | null
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
  /**
   * failed and timed_out: it runs again if attempts are left. released: it goes back to new, since the
   * worker stops. returned: likewise, before its executor has begun. snoozed: likewise, until later.
   */
  readonly outcome:
    | 'completed'
    | 'failed'
    | 'timed_out'
    | 'cancelled'
    | 'released'
    | 'returned'
    | 'snoozed'
  /** Of a failure: whether no other attempt would help. */
  readonly permanent?: boolean | undefined
  /** When the next attempt may begin, in milliseconds from now; by default as its type says. */
  readonly delay_ms?: number | undefined
  /** One line for people: status_detail. */
  readonly detail?: string | undefined
  /** JSON text. */
  readonly result?: string | undefined
  readonly error?: StoredError | undefined
}

/** The lanes of one type: which part of the backlog a claim looks at, and how many it may take. */
export interface LaneRange {
  readonly fromLane: number
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
  /** Whether a job has woken the worker, and there is nothing else to do. */
  readonly woken: boolean
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
  /** How many characters the claimed jobs have, about. */
  readonly claimedLength: number
  /** How many ids of entries were looked at, also of jobs that are gone. */
  readonly looked: number
  /** Whether entries are left to look at. */
  readonly more: boolean
  /** Milliseconds until the next scheduled job is due, if there is one. */
  readonly nextDueMs: number | undefined
  /** After a look that found nothing, if it promises or awaits: those that may yet commit jobs in silence. */
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

/** What there is nothing to tell of is null, or not there. */
type TickRow = { [Column in keyof TickColumns]?: TickColumns[Column] | null }

const TICK = prepared(
  `select * from jobtable_internal.tick(
     $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
   )`,
)

const CLAIM_LONE = prepared('select * from jobtable_internal.claim_lone($1, $2, $3, $4, $5, $6)')

/**
 * One round of a worker: outcomes, beginnings, claims, in one transaction. One that was woken tries first to
 * have what has woken it by a statement of its own.
 */
export async function tick(database: Database, request: TickRequest): Promise<TickAnswer> {
  const claimed = request.woken ? await claimLone(database, request) : undefined
  return claimed ?? (await wholeTick(database, request))
}

async function claimLone(
  database: Database,
  { worker, lease, ranges, slots }: TickRequest,
): Promise<TickAnswer | undefined> {
  const row = await one<TickRow>(database, CLAIM_LONE, [worker, lease, ...columnsOf(ranges), slots])
  return row.looked === null ? undefined : answerOf(row)
}

async function wholeTick(database: Database, request: TickRequest): Promise<TickAnswer> {
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
    ...columnsOf(request.ranges),
    request.slots,
    request.prefetch,
    request.promises,
    request.stays,
    request.awaits,
  ])
  return answerOf(row)
}

function columnsOf(ranges: readonly LaneRange[]): unknown[] {
  return [
    ranges.map((range) => range.fromLane),
    ranges.map((range) => range.toLane),
    ranges.map((range) => range.room),
  ]
}

function answerOf(row: TickRow): TickAnswer {
  const claimed = handedJobs(row.claimed)
  const missing = claimed.reduce((sum, { payload }) => sum + (isSize(payload) ? payload : 0), 0)
  return {
    locked: row.locked ?? [],
    lost: row.lost ?? [],
    begun: handedJobs(row.begun),
    waiting: row.waiting ?? [],
    claimed,
    claimedLength: (row.claimed?.length ?? 0) + missing,
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
  payload: HandedJob['payload'],
  type?: string,
  owner?: string,
  rest?: {
    readonly title: string | null
    readonly key: string | null
    readonly priority: number | null
    readonly run_at: string
    readonly properties: Record<string, unknown>
    readonly timeout: number | null
  },
]

/** The jobs of batches, whose texts are joined by commas. */
function handedJobs(text: string | null | undefined): HandedJob[] {
  if (text === null || text === undefined) return []
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
      timeoutMs: rest?.timeout ?? null,
    })),
  )
}

/** Whether a payload is still to be fetched. */
function isSize(payload: HandedJob['payload']): payload is number {
  return typeof payload === 'number'
}

/** What tells one handing out of a job from all others. */
export function keyOf({ id, lease }: Pick<HandedJob, 'id' | 'lease'>): string {
  return `${id} ${lease}`
}

/** Whether a job's payload is still to be fetched. */
export function lacksPayload(job: HandedJob): boolean {
  return isSize(job.payload)
}

/** By all ids and all leases: which of them belong together is told by their rows. */
const PAYLOADS = prepared(
  'select id, lease, payload from jobtable.job where id = any ($1) and lease = any ($2)',
)

/**
 * Jobs with their payloads: those that the database has not handed out with them are fetched. One whose
 * lease is another's by now is left out.
 */
export async function withPayloads(
  database: Database,
  jobs: readonly HandedJob[],
): Promise<readonly HandedJob[]> {
  const lacking = jobs.filter(lacksPayload)
  const rows = await all<Pick<HandedJob, 'id' | 'lease' | 'payload'>>(database, PAYLOADS, [
    lacking.map((job) => job.id),
    lacking.map((job) => job.lease),
  ])
  const payloads = new Map(rows.map((row) => [keyOf(row), row.payload]))
  return jobs.flatMap((job) => {
    const payload = isSize(job.payload) ? payloads.get(keyOf(job)) : job.payload
    return payload === undefined ? [] : { ...job, payload }
  })
}

/** An outcome as JSON text. A result is JSON text already and goes in as it is. */
function outcomeJson(outcome: Outcome): string {
  const { result, ...rest } = outcome
  const text = jsonText(rest)
  return result === undefined ? text : `${text.slice(0, -1)},"result":${result}}`
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
