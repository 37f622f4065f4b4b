import type { QueryResultRow } from 'pg'
import { all, type Database, type Id } from '../database.ts'

/** Ids that are counted one by one, with a look at each job's row. */
const COUNTED = 10_000
/** Entries of the queue's lists that are read for an estimate. */
const ESTIMATED = 50_000

export interface WorkerStatus extends QueryResultRow {
  readonly id: Id
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly types: readonly string[]
  readonly capacity: number
  readonly running: number
  readonly started_at: Date
  readonly seen_at: Date
  /** How long it has not shown itself, in milliseconds. */
  readonly silent_ms: number
  readonly live: boolean
}

/** Workers that have not stopped, whether they live or not. */
export async function workers(database: Database): Promise<WorkerStatus[]> {
  return all<WorkerStatus>(
    database,
    `select w.id, w.host, w.pid, w.version, w.types, w.capacity, w.running, w.started_at, w.seen_at,
      (extract(epoch from c.now - w.seen_at) * 1000)::float8 as silent_ms,
      jobtable_internal.is_live(w, c.now) as live
    from jobtable.worker w
    cross join (select jobtable_internal.clock() as now) c
    where w.stopped_at is null
    order by w.id`,
  )
}

/** Whether a live worker runs a type. */
export async function hasLiveWorker(database: Database, type: string): Promise<boolean> {
  return (await workers(database)).some((worker) => worker.live && worker.types.includes(type))
}

/** How much is known of a number. */
export type Accuracy = 'exact' | 'estimate' | 'at least'

export interface Count {
  readonly count: number
  readonly accuracy: Accuracy
}

export interface TypeStatus {
  readonly type: string
  /** Claimable now. */
  readonly waiting: Count
  /** Later, by run_at. */
  readonly scheduled: Count
  readonly queued: number
  readonly started: number
  /** Completed or cancelled, and not yet purged. */
  readonly finished: Count
  readonly failed: Count
}

interface TypeRow extends QueryResultRow {
  readonly type: string
  readonly waiting_seen: number
  readonly waiting: number
  readonly waiting_entries: number
  readonly waiting_sum: number
  readonly scheduled: number
  readonly due_seen: number
  readonly queued: number
  readonly started: number
  readonly finished_entries: number
  readonly finished: number
  readonly failed_entries: number
  readonly failed: number
}

/**
 * Jobs by type, never by a scan of them: what waits, is due or has finished stands in the queue's own
 * lists, of which a bounded part is read; what runs is found by the claims' receipts. Paused jobs
 * are in no list. Finished ones that were resubmitted or deleted since are still counted.
 */
export async function typeStatuses(database: Database): Promise<TypeStatus[]> {
  const rows = await all<TypeRow>(database, TYPE_STATUSES)
  return rows.map((row) => ({
    type: row.type,
    waiting:
      row.waiting_seen <= COUNTED
        ? { count: row.waiting, accuracy: 'exact' }
        : { count: row.waiting_sum, accuracy: estimate(row.waiting_entries) },
    scheduled: { count: row.scheduled, accuracy: row.due_seen > COUNTED ? 'at least' : 'exact' },
    queued: row.queued,
    started: row.started,
    finished: { count: row.finished, accuracy: estimate(row.finished_entries) },
    failed: { count: row.failed, accuracy: estimate(row.failed_entries) },
  }))
}

function estimate(entries: number): Accuracy {
  return entries > ESTIMATED ? 'at least' : 'estimate'
}

const WAITING_IDS = `
  select u.id
  from jobtable_internal.ready q
  cross join lateral unnest(q.ids) as u (id)
  where q.lane >= t.id::bigint << 16 and q.lane < (t.id::bigint + 1) << 16
  limit ${COUNTED + 1}`

const finishedOf = (failed: boolean): string => `
  select count(*)::integer as entries, coalesce(sum(cardinality(l.ids)), 0)::float8 as jobs
  from (
    select f.ids
    from jobtable_internal.finished f
    where f.type_id = t.id and f.failed = ${failed}
    limit ${ESTIMATED + 1}
  ) l`

const TYPE_STATUSES = `
with due as materialized (
  select d.id from jobtable_internal.due d order by d.at limit ${COUNTED + 1}
), scheduled as materialized (
  select j.type, count(*)::integer as jobs
  from due d
  join jobtable.job j on j.id = d.id
  where j.status = 'new' and not j.paused
  group by j.type
), held as materialized (
  select j.type,
    count(*) filter (where j.status = 'queued')::integer as queued,
    count(*) filter (where j.status = 'started')::integer as started
  from jobtable_internal.claim c
  cross join lateral unnest(c.ids) as u (id)
  join jobtable.job j on j.id = u.id and j.lease = c.lease
  where j.status in ('queued', 'started')
  group by j.type
)
select t.name as type,
  w.seen as waiting_seen, w.jobs as waiting,
  e.entries as waiting_entries, e.jobs as waiting_sum,
  coalesce(s.jobs, 0) as scheduled,
  (select count(*)::integer from due) as due_seen,
  coalesce(h.queued, 0) as queued,
  coalesce(h.started, 0) as started,
  d.entries as finished_entries, d.jobs as finished,
  f.entries as failed_entries, f.jobs as failed
from jobtable.job_type t
cross join lateral (
  select count(*)::integer as seen,
    count(distinct j.id) filter (where j.status = 'new' and not j.paused)::integer as jobs
  from (${WAITING_IDS}) i
  left join jobtable.job j on j.id = i.id
) w
cross join lateral (
  select count(*)::integer as entries, coalesce(sum(cardinality(l.ids)), 0)::float8 as jobs
  from (
    select q.ids
    from jobtable_internal.ready q
    where w.seen > ${COUNTED} and q.lane >= t.id::bigint << 16 and q.lane < (t.id::bigint + 1) << 16
    limit ${ESTIMATED + 1}
  ) l
) e
cross join lateral (${finishedOf(false)}) d
cross join lateral (${finishedOf(true)}) f
left join scheduled s on s.type = t.name
left join held h on h.type = t.name
order by t.name`
