import type { QueryResultRow } from 'pg'
import { all, cleanText, type Database, type Id, jsonText, one } from '../database.ts'
import type { JobStatus } from '../types/job.ts'
import type { LogLevel } from './running.ts'

export { JOB_STATUSES, type JobStatus } from '../types/job.ts'

/** A job to be inserted. What is left out, or null, is the column's default. */
export interface NewJob {
  readonly type: string
  /** Default: {}. */
  readonly payload?: Readonly<Record<string, unknown>> | null | undefined
  /** Default: jobtable.current_owner(). */
  readonly owner?: string | null | undefined
  readonly title?: string | null | undefined
  /** Smaller runs sooner, from -32,768 to 32,767. Default: the type's. */
  readonly priority?: number | null | undefined
  /** Not before this time: a Date, or text as PostgreSQL reads a timestamp. Default: now. */
  readonly runAt?: Date | string | null | undefined
  /** At most one unfinished job per owner, type and key. */
  readonly key?: string | null | undefined
  /** Held until it is set to false. Default: false. */
  readonly paused?: boolean | null | undefined
  readonly properties?: Readonly<Record<string, unknown>> | null | undefined
}

/** Inserts a job and answers its id. Columns that are left out are left out of the INSERT too. */
export async function insertJob(database: Database, job: NewJob): Promise<Id> {
  const columns = Object.entries({
    type: job.type,
    payload: json(job.payload),
    owner: job.owner,
    title: job.title,
    priority: job.priority,
    run_at: job.runAt,
    key: job.key,
    paused: job.paused,
    properties: json(job.properties),
  }).filter(([, value]) => value !== undefined && value !== null)
  const names = columns.map(([name]) => name)
  const places = columns.map((_, index) => `$${index + 1}`)
  const row = await one<{ id: Id }>(
    database,
    `insert into jobtable.job (${names.join(', ')}) values (${places.join(', ')}) returning id`,
    columns.map(([, value]) => value),
  )
  return row.id
}

function json(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : jsonText(value)
}

export async function cancelJob(
  database: Database,
  id: Id,
  reason: string | undefined,
): Promise<'deleted' | 'requested'> {
  const row = await one<{ done: 'deleted' | 'requested' }>(
    database,
    'select jobtable.cancel($1, $2) as done',
    [id, reason === undefined ? undefined : cleanText(reason)],
  )
  return row.done
}

export async function resubmitJob(database: Database, id: Id): Promise<void> {
  await one(database, 'select jobtable.resubmit($1)', [id])
}

/** Where a job stands: what is looked at again and again while somebody waits for it. */
export interface JobState extends QueryResultRow {
  readonly id: Id
  readonly type: string
  readonly status: JobStatus
  readonly status_detail: string | null
  readonly fraction: number | null
  readonly stage: string | null
  readonly message: string | null
  /** What the executor returned; null if nothing, or not completed. */
  readonly result: unknown
  readonly error_name: string | null
  readonly error_message: string | null
}

const STATE_COLUMNS =
  'r.id, r.type, r.status, r.status_detail, r.fraction, r.stage, r.message, r.result, r.error_name, r.error_message'

/** undefined: there is no such job, or not any more. */
export async function jobState(database: Database, id: Id): Promise<JobState | undefined> {
  const rows = await all<JobState>(
    database,
    `select ${STATE_COLUMNS} from jobtable.job_report r where r.id = $1`,
    [id],
  )
  return rows[0]
}

/** A job as jobtable.job_report has it, but for its intervals: they are in milliseconds. */
export interface JobReport extends JobState {
  readonly title: string
  readonly owner: string
  readonly priority: number | null
  readonly paused: boolean
  readonly attempt: number
  readonly max_attempts: number
  readonly key: string | null
  readonly created_at: Date
  readonly run_at: Date
  readonly queued_at: Date | null
  readonly started_at: Date | null
  readonly finished_at: Date | null
  readonly wait_ms: number
  readonly run_ms: number | null
  readonly worker: Id | null
  readonly host: string | null
  readonly cancel_requested: boolean
  readonly payload: Readonly<Record<string, unknown>>
  readonly properties: Readonly<Record<string, unknown>>
  readonly can_cancel: boolean
  readonly can_terminate: boolean
  readonly can_resubmit: boolean
  readonly can_pause: boolean
}

const REPORT_COLUMNS = `${STATE_COLUMNS}, r.title, r.owner, r.priority, r.paused, r.attempt,
  r.max_attempts, r.key, r.created_at, r.run_at, r.queued_at, r.started_at, r.finished_at,
  (extract(epoch from r.wait_time) * 1000)::float8 as wait_ms,
  (extract(epoch from r.run_time) * 1000)::float8 as run_ms,
  r.worker, r.host, r.cancel_requested, r.payload, r.properties,
  r.can_cancel, r.can_terminate, r.can_resubmit, r.can_pause`

export async function jobReport(database: Database, id: Id): Promise<JobReport | undefined> {
  const rows = await all<JobReport>(
    database,
    `select ${REPORT_COLUMNS} from jobtable.job_report r where r.id = $1`,
    [id],
  )
  return rows[0]
}

export interface JobFilter {
  readonly statuses?: readonly JobStatus[] | undefined
  readonly types?: readonly string[] | undefined
  readonly owner?: string | undefined
  /** Only jobs of a smaller id: the page after the one that ended with it. */
  readonly before?: Id | undefined
  readonly limit: number
}

/** Which of these names no type has. */
export async function unknownTypes(
  database: Database,
  names: readonly string[],
): Promise<readonly string[]> {
  const rows = await all<{ name: string }>(
    database,
    `select n.name from unnest($1::text[]) with ordinality n (name, place)
    where not exists (select from jobtable.job_type t where t.name = n.name)
    order by n.place`,
    [names],
  )
  return rows.map(({ name }) => name)
}

/**
 * Jobs, newest first. The page is cut from the primary key before anything is joined to it, and
 * only the conditions that are asked for are in the statement: it costs what it reads of the key.
 */
export async function listJobs(database: Database, filter: JobFilter): Promise<JobReport[]> {
  const values: unknown[] = [filter.limit]
  const conditions: string[] = []
  const add = (value: unknown, condition: (place: string) => string): void => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
  }
  add(filter.statuses, (place) => `j.status = any (${place}::jobtable.job_status[])`)
  add(filter.types, (place) => `j.type = any (${place})`)
  add(filter.owner, (place) => `j.owner = ${place}`)
  add(filter.before, (place) => `j.id < ${place}`)
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  return all<JobReport>(
    database,
    `with page as materialized (
      select j.id from jobtable.job j ${where} order by j.id desc limit $1
    )
    select ${REPORT_COLUMNS}
    from page p
    join jobtable.job_report r on r.id = p.id
    order by p.id desc`,
    values,
  )
}

/** An attempt that did not succeed. */
export interface AttemptRow extends QueryResultRow {
  readonly n: number
  readonly worker: Id | null
  readonly started_at: Date | null
  readonly finished_at: Date
  readonly outcome: string
  readonly error_name: string | null
  readonly error_message: string | null
  readonly error_stack: string | null
  readonly error_cause: string | null
}

export async function jobAttempts(database: Database, id: Id): Promise<AttemptRow[]> {
  return all<AttemptRow>(
    database,
    `select a.n, a.worker, a.started_at, a.finished_at, a.outcome, a.error_name, a.error_message,
      a.error_stack, a.error_cause
    from jobtable.job_attempt a
    where a.job = $1
    order by a.n`,
    [id],
  )
}

export interface LogLine extends QueryResultRow {
  readonly id: Id
  readonly attempt: number
  readonly at: Date
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>> | null
}

const LOG_COLUMNS = 'l.id, l.attempt, l.at, l.level, l.message, l.fields'

/** Log lines of a job after one of them, oldest first. */
export async function logsAfter(
  database: Database,
  id: Id,
  after: Id,
  limit: number,
): Promise<LogLine[]> {
  return all<LogLine>(
    database,
    `select ${LOG_COLUMNS}
    from jobtable.job_log l
    where l.job = $1 and l.id > $2
    order by l.id
    limit $3`,
    [id, after, limit],
  )
}

/** The last log lines of a job, oldest first. */
export async function lastLogs(database: Database, id: Id, limit: number): Promise<LogLine[]> {
  const rows = await all<LogLine>(
    database,
    `select ${LOG_COLUMNS} from jobtable.job_log l where l.job = $1 order by l.id desc limit $2`,
    [id, limit],
  )
  return rows.toReversed()
}

/** A row of one of the users' own facet tables. */
export interface FacetRow {
  /** Schema and table, quoted where SQL needs it. */
  readonly facet: string
  readonly row: Readonly<Record<string, unknown>>
}

/** More rows of one facet than a person would read. */
const FACET_ROWS = 20

/** What the users' own facet tables say of a job: tables whose key begins with a job's id. */
export async function jobFacets(database: Database, id: Id): Promise<FacetRow[]> {
  const tables = await all<{ facet: string; query: string }>(
    database,
    `select format('%I.%I', n.nspname, c.relname) as facet,
      format('select to_jsonb(f) as row from %I.%I f where f.%I = $1 limit ${FACET_ROWS}',
        n.nspname, c.relname, a.attname) as query
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
    where k.contype = 'f' and k.confrelid = 'jobtable.job'::regclass
      and k.conkey = array[i.indkey[0]]
      and n.nspname not in ('jobtable', 'jobtable_internal')
      and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    order by 1`,
  )
  const rows: FacetRow[] = []
  for (const { facet, query } of tables) {
    const found = await all<{ row: FacetRow['row'] }>(database, query, [id])
    rows.push(...found.map(({ row }) => ({ facet, row })))
  }
  return rows
}
