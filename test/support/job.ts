import type { Database } from './database.ts'
import type { Session } from './session.ts'

export type Queryable = Pick<Database | Session, 'query'>

export type Status = 'new' | 'queued' | 'started' | 'completed' | 'failed' | 'cancelled'

export const STATUSES: readonly Status[] = [
  'new',
  'queued',
  'started',
  'completed',
  'failed',
  'cancelled',
]

/** Those in which a job's story is over. */
export const FINAL_STATUSES: readonly Status[] = ['completed', 'failed', 'cancelled']

/** Makes types known as an operator would: by their names alone. */
export async function addTypes(database: Queryable, ...names: readonly string[]): Promise<void> {
  await database.query('insert into jobtable.job_type (name) select unnest($1::text[])', [names])
}

/** Inserts a job as any client would and answers its id. */
export async function insertJob(
  database: Queryable,
  type: string,
  columns: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const names = ['type', ...Object.keys(columns)]
  const [row] = await database.query<{ id: string }>(
    `insert into jobtable.job (${names.map((name) => `"${name}"`).join(', ')})
     values (${names.map((_, index) => `$${index + 1}`).join(', ')})
     returning id`,
    [type, ...Object.values(columns)],
  )
  if (row === undefined) throw new Error('no row was inserted')
  return row.id
}

/** Inserts many jobs of one type in one statement and answers their ids, oldest first. */
export async function insertJobs(
  database: Queryable,
  type: string,
  count: number,
): Promise<string[]> {
  const rows = await database.query<{ id: string }>(
    `insert into jobtable.job (type, payload)
     select $1, jsonb_build_object('n', n) from generate_series(1, $2) n
     returning id`,
    [type, count],
  )
  return rows.map((row) => row.id)
}

/** A job's whole row, undefined if it is gone. */
export async function readJob(
  database: Queryable,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  return (await database.query('select * from jobtable.job where id = $1', [id]))[0]
}

/** A job's status, undefined if it is gone. */
export async function statusOf(database: Queryable, id: string): Promise<Status | undefined> {
  return (await readJob(database, id))?.['status'] as Status | undefined
}

/** The queue's entries that name a job: in which lanes it is claimable, and when it is due. */
export async function entriesOf(
  database: Queryable,
  id: string,
): Promise<{ readonly ready: number[]; readonly due: Date[] }> {
  const ready = await database.query<{ priority: number }>(
    `select jobtable_internal.lane_priority(lane) as priority
     from jobtable_internal.ready where $1 = any (ids) order by lane, seq`,
    [id],
  )
  const due = await database.query<{ at: Date }>(
    'select at from jobtable_internal.due where id = $1 order by at',
    [id],
  )
  return { ready: ready.map((row) => row.priority), due: due.map((row) => row.at) }
}
