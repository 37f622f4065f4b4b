import type { QueryResultRow } from 'pg'
import { all, type Database, type Id, one } from '../database.ts'
import { JOB_STATUSES } from './jobs.ts'

/** Jobs of the future that are looked at. */
const SCHEDULED = 10_000

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
  /** Whether another worker has taken it for lost, and rescued its jobs. */
  readonly lost: boolean
}

/** Workers that have not stopped, whether they live or not, until nothing of theirs can turn up any more. */
export async function workers(database: Database): Promise<WorkerStatus[]> {
  return all<WorkerStatus>(
    database,
    `select w.id, w.host, w.pid, w.version, w.types, w.capacity, w.running, w.started_at, w.seen_at,
      (extract(epoch from c.now - w.seen_at) * 1000)::float8 as silent_ms,
      jobtable_internal.is_live(w) as live, w.lost_at is not null as lost
    from jobtable.worker w
    cross join (select jobtable_internal.clock() as now) c
    where w.stopped_at is null and w.settled_at is null
    order by w.id`,
  )
}

/** Whether a live worker runs a type. Asks for no more than every client may see. */
export async function hasLiveWorker(database: Database, type: string): Promise<boolean> {
  const row = await one<{ live: boolean }>(
    database,
    'select jobtable_internal.has_live_worker($1) as live',
    [type],
  )
  return row.live
}

export interface TypeStatus extends QueryResultRow {
  readonly type: string
  /** What keeps all of its jobs, as why_waiting names it. */
  readonly obstacles: readonly string[]
  /** Columns of jobtable.job_type that an operator has set to other than its executor declares. */
  readonly overrides: readonly string[]
  /** New, whether claimable, due later or paused. */
  readonly waiting: number
  /** Of these, how many are due later … */
  readonly scheduled: number
  /** … at least, since not all that are due later were looked at. */
  readonly more_scheduled: boolean
  readonly queued: number
  readonly started: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
}

/** Jobs by type, never by a scan of them. */
export async function typeStatuses(database: Database): Promise<TypeStatus[]> {
  const counts = JOB_STATUSES.map(
    (status) =>
      `coalesce(c.counts ->> '${status}', '0')::float8 as ${status === 'new' ? 'waiting' : status}`,
  )
  return all<TypeStatus>(
    database,
    `with due as materialized (
      select d.id from jobtable_internal.due d order by d.at limit ${SCHEDULED + 1}
    ), scheduled as materialized (
      select j.type, count(*) as jobs
      from due d
      join jobtable.job j on j.id = d.id
      where j.status = 'new' and not j.paused and j.run_at > jobtable_internal.clock()
      group by j.type
    ), counted as materialized (
      select o.type, jsonb_object_agg(o.status, o.count) as counts
      from jobtable.job_counts o
      group by o.type
    )
    select t.name as type,
      array(select o.reason from jobtable_internal.obstacles(t.name) o) as obstacles,
      t.overrides,
      coalesce(s.jobs, 0)::integer as scheduled,
      (select count(*) from due) > ${SCHEDULED} as more_scheduled,
      ${counts.join(', ')}
    from jobtable.job_type t
    left join counted c on c.type = t.name
    left join scheduled s on s.type = t.name
    order by t.name`,
  )
}
