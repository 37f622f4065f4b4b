import type { Context } from 'jobtable'
import pg from 'pg'

/** A record that cannot be written is left out: the run goes on, with less to show for it. */
const PATIENCE_MS = 3_000

const pool = new pg.Pool({
  connectionString: process.env['CHAOS_TRACE_URL'],
  application_name: 'chaos:trace',
  max: 2,
  connectionTimeoutMillis: PATIENCE_MS,
  query_timeout: PATIENCE_MS,
  allowExitOnIdle: true,
})
pool.on('error', () => undefined)

const BEGIN = `
  insert into chaos.trace (job, attempt, event, pid, lease, valid)
  select v.job, v.attempt, 'begin', v.pid, j.lease,
    coalesce(j.status = 'started' and j.attempt = v.attempt, false)
  from (values ($1::bigint, $2::integer, $3::integer)) v (job, attempt, pid)
  left join jobtable.job j on j.id = v.job
  returning lease`

const END = `
  insert into chaos.trace (job, attempt, event, pid, lease, valid)
  select v.job, v.attempt, 'end', v.pid, j.lease,
    coalesce(j.status = 'started' and j.attempt = v.attempt and j.lease = v.lease, false)
  from (values ($1::bigint, $2::integer, $3::integer, $4::bigint)) v (job, attempt, pid, lease)
  left join jobtable.job j on j.id = v.job`

/** Writes down that an executor has begun that is over at once. */
export function begun({ id, attempt }: Context['job']): void {
  pool.query(BEGIN, [id, attempt, process.pid]).catch(() => undefined)
}

/** Does the work of an executor and writes down when it began and ended, and whether it held its job then. */
export async function traced<T>(job: Context['job'], work: () => Promise<T>): Promise<T> {
  const of = [job.id, job.attempt, process.pid]
  const record = await pool.query<{ lease: string }>(BEGIN, of).catch(() => undefined)
  try {
    return await work()
  } finally {
    const lease = record?.rows[0]?.lease
    if (lease !== undefined) await pool.query(END, [...of, lease]).catch(() => undefined)
  }
}
