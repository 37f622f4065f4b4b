import type { QueryResultRow } from 'pg'
import { all, type Database, type Id, one } from '../database.ts'

/** Jobs looked at for each type: that some wait is what matters, not how many. */
const LOOKED_AT = 1_000
/** A slot that lags by fewer transactions holds back nothing that matters. */
const SLOT_AGE = 1_000_000

/** A worker seen so far in the future tells of a clock that was set back. */
const AHEAD = '30 seconds'

/** Something that keeps VACUUM from removing dead rows. */
export interface Holder extends QueryResultRow {
  readonly kind: 'session' | 'prepared' | 'slot'
  /** Process id, transaction id or slot name. */
  readonly name: string
  /** Who it is and what it does. */
  readonly what: string
  /** For how long; null for a slot. */
  readonly seconds: number | null
}

/** Snapshots and transactions of this database older than `seconds`, and slots that hold rows. */
export async function snapshotHolders(database: Database, seconds: number): Promise<Holder[]> {
  return all<Holder>(
    database,
    `select 'session' as kind, a.pid::text as name,
      concat_ws(', ', nullif(a.application_name, ''), a.usename, a.state) as what,
      extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds
    from pg_catalog.pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid()
      and a.backend_type <> 'autovacuum worker'
      and num_nonnulls(a.backend_xmin, a.backend_xid) > 0
      and a.xact_start <= clock_timestamp() - make_interval(secs => $1)
    union all
    select 'prepared', p.gid, 'prepared by ' || p.owner,
      extract(epoch from clock_timestamp() - p.prepared)::float8
    from pg_catalog.pg_prepared_xacts p
    where p.database = current_database()
      and p.prepared <= clock_timestamp() - make_interval(secs => $1)
    union all
    select 'slot', s.slot_name, case when s.active then 'active' else 'inactive' end, null
    from pg_catalog.pg_replication_slots s
    where s.xmin is not null and (not s.active or age(s.xmin) > ${SLOT_AGE})
    order by 1, 4 desc`,
    [seconds],
  )
}

/** How many sessions of this database the role may not look into. */
export async function hiddenSessions(database: Database): Promise<number> {
  const row = await one<{ count: number }>(
    database,
    `select count(*)::integer as count
    from pg_catalog.pg_stat_activity a
    where a.datname = current_database() and a.query = '<insufficient privilege>'`,
    [],
  )
  return row.count
}

export interface AutovacuumRow extends QueryResultRow {
  /** The server's settings that must be on. */
  readonly off: readonly string[]
  /** Tables of the queue for which it is turned off. */
  readonly tables: readonly string[]
}

export async function autovacuum(database: Database): Promise<AutovacuumRow> {
  return one<AutovacuumRow>(
    database,
    `select
      array(
        select s.name
        from pg_catalog.pg_settings s
        where s.name in ('autovacuum', 'track_counts') and s.setting = 'off'
        order by s.name
      ) as off,
      array(
        select format('%I.%I', n.nspname, c.relname)
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        cross join lateral pg_options_to_table(c.reloptions) o
        where n.nspname in ('jobtable', 'jobtable_internal')
          and o.option_name = 'autovacuum_enabled' and not o.option_value::boolean
        order by 1
      ) as tables`,
    [],
  )
}

export interface UnattendedType extends QueryResultRow {
  readonly type: string
  readonly jobs: number
  /** Whether there may be more than were counted. */
  readonly more: boolean
}

/** Types with jobs that could run now, and no live worker that has their executor. */
export async function unattendedTypes(database: Database): Promise<UnattendedType[]> {
  return all<UnattendedType>(
    database,
    `with overdue as materialized (
      select d.id from jobtable_internal.due d
      where d.at <= jobtable_internal.clock()
      order by d.at
      limit ${LOOKED_AT}
    ), late as materialized (
      select j.type, count(*) as jobs
      from overdue o
      join jobtable.job j on j.id = o.id
      where j.status = 'new' and not j.paused
      group by j.type
    )
    select t.name as type, (r.jobs + coalesce(l.jobs, 0))::integer as jobs,
      r.looked >= ${LOOKED_AT} as more
    from jobtable.job_type t
    cross join lateral (
      select count(*) as looked,
        count(distinct j.id) filter (where j.status = 'new' and not j.paused) as jobs
      from (
        select u.id
        from jobtable_internal.ready q
        cross join lateral unnest(q.ids) as u (id)
        where q.lane >= t.id::bigint << 16 and q.lane < (t.id::bigint + 1) << 16
        limit ${LOOKED_AT}
      ) i
      left join jobtable.job j on j.id = i.id
    ) r
    left join late l on l.type = t.name
    where r.jobs + coalesce(l.jobs, 0) > 0
      and not jobtable_internal.has_live_worker(t.name)
    order by t.name`,
  )
}

export interface Override extends QueryResultRow {
  readonly type: string
  readonly column: string
  /** As JSON; null: the schema of payloads, of which executors declare one after another. */
  readonly declared: string | null
  readonly value: string
}

/** Columns of types that an operator has set to something else than their executors declare, if any does. */
export async function overrides(database: Database): Promise<Override[]> {
  return all<Override>(
    database,
    `select t.name as type, o.name as column, (t.declared -> o.name)::text as declared,
      (to_jsonb(t) -> o.name)::text as value
    from jobtable.job_type t
    cross join lateral unnest(t.overrides) as o (name)
    where t.declared <> '{}'
    order by t.name, o.name`,
  )
}

export interface HaltedType extends QueryResultRow {
  readonly type: string
  readonly state: 'disabled' | 'paused'
}

/** Types of which nothing is claimed because an operator wants it so. */
export async function haltedTypes(database: Database): Promise<HaltedType[]> {
  return all<HaltedType>(
    database,
    `select t.name as type, case when t.enabled then 'paused' else 'disabled' end as state
    from jobtable.job_type t
    where t.paused or not t.enabled
    order by t.name`,
  )
}

export interface Orphans extends QueryResultRow {
  readonly worker: Id
  /** Null if its row is gone. */
  readonly host: string | null
  readonly pid: number | null
  readonly seconds: number | null
  readonly jobs: number
  /** The first of them. */
  readonly ids: readonly Id[]
}

/** Jobs that are held by workers which do not live, by the receipts of their claims. */
export async function orphans(database: Database): Promise<Orphans[]> {
  return all<Orphans>(
    database,
    `select c.worker, w.host, w.pid,
      extract(epoch from jobtable_internal.clock() - w.seen_at)::float8 as seconds,
      count(*)::integer as jobs, (array_agg(j.id order by j.id))[1:5] as ids
    from jobtable_internal.claim c
    cross join lateral unnest(c.ids) as u (id)
    join jobtable.job j on j.id = u.id and j.lease = c.lease
    left join jobtable.worker w on w.id = c.worker
    where j.status in ('queued', 'started') and (
      w.id is null or not jobtable_internal.is_live(w)
    )
    group by c.worker, w.host, w.pid, w.seen_at
    order by c.worker`,
  )
}

export interface Oddities extends QueryResultRow {
  /** The setting that moves the queue's clock, where it is set for every session. */
  readonly frozen_at: string | null
  /** Whether every session has wake-ups turned off. */
  readonly notify_off: boolean
  /** By how many seconds a worker has last shown itself in the future; null: none has. */
  readonly ahead_seconds: number | null
  /** Whether the next id may be one that is taken. */
  readonly sequence_behind: boolean
}

export async function oddities(database: Database): Promise<Oddities> {
  return one<Oddities>(
    database,
    `select
      nullif(current_setting('jobtable.now', true), '') as frozen_at,
      coalesce(current_setting('jobtable.notify', true), '') = 'off' as notify_off,
      (
        select extract(epoch from max(w.seen_at) - clock_timestamp())::float8
        from jobtable.worker w
        where w.seen_at > clock_timestamp() + interval '${AHEAD}'
      ) as ahead_seconds,
      coalesce(pg_sequence_last_value('jobtable.job_id_seq'::regclass), 0)
        < coalesce((select max(j.id) from jobtable.job j), 0) as sequence_behind`,
    [],
  )
}
