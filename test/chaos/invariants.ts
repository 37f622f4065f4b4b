import type { ClientBase } from 'pg'

/** What must hold when all is quiet again, as a query for what breaks it. */
export interface Invariant {
  readonly name: string
  /** One row for each violation: the job, if it is one job's, and what is wrong. */
  readonly query: string
}

export interface Violation {
  readonly invariant: string
  readonly job: string | null
  readonly fact: string
}

/** Violations of one invariant that are reported: more tell no more. */
const MOST_REPORTED = 20

const FINISHED = "('completed', 'failed', 'cancelled')"

export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'what was acknowledged is kept',
    query: `
      select a.job, 'a client was told of its ' || a.what || ', and the server has forgotten' as fact
      from chaos.acknowledged a
      where not exists (
        select from chaos.inserted i where i.job = a.job and a.what = 'insert'
        union all
        select from chaos.deleted d where d.job = a.job and a.what = 'delete'
      )`,
  },
  {
    name: 'no job is lost',
    query: `
      select i.job, 'inserted, not deleted, and not there' as fact
      from chaos.inserted i
      where not exists (select from chaos.deleted d where d.job = i.job)
        and not exists (select from jobtable.job j where j.id = i.job)`,
  },
  {
    name: 'there are no jobs but the clients’',
    query: `
      select j.id as job, 'there, and never inserted' as fact
      from jobtable.job j
      where not exists (select from chaos.inserted i where i.job = j.id)
      union all
      select j.id, 'there, although it was deleted'
      from jobtable.job j
      where exists (select from chaos.deleted d where d.job = j.id)
      union all
      select t.job, 'executed, and never inserted'
      from chaos.trace t
      where not exists (select from chaos.inserted i where i.job = t.job)`,
  },
  {
    name: 'no job is held without a live worker',
    query: `
      select j.id as job, format('%s by worker %s, which %s', j.status, j.worker, case
        when w.id is null then 'has no row'
        when w.stopped_at is not null then 'has stopped'
        else 'was last seen at ' || w.seen_at
      end) as fact
      from jobtable.job j
      left join jobtable.worker w on w.id = j.worker
      where j.status in ('queued', 'started') and (
        w.id is null or w.stopped_at is not null
        or w.seen_at < clock_timestamp() - interval '15 seconds'
      )`,
  },
  {
    name: 'every job that was due has ended',
    query: `
      select j.id as job, 'still ' || j.status as fact
      from jobtable.job j
      where j.status in ('queued', 'started')
        or (j.status = 'new' and not j.paused and j.run_at <= clock_timestamp())`,
  },
  {
    name: 'statuses follow each other as documented',
    query: `
      select s.job, format('%s → %s in attempt %s', s.was, coalesce(s.status, 'gone'), s.attempt)
        as fact
      from chaos.step s
      where (coalesce(s.was, ''), coalesce(s.status, '')) not in (
        ('', 'new'), ('new', 'queued'), ('new', 'started'), ('queued', 'started'),
        ('started', 'completed'), ('started', 'failed'), ('started', 'cancelled'),
        ('started', 'new'), ('queued', 'new'), ('queued', 'cancelled'),
        ('completed', 'new'), ('failed', 'new'), ('cancelled', 'new'),
        ('new', ''), ('queued', ''), ('completed', ''), ('failed', ''), ('cancelled', '')
      )`,
  },
  {
    name: 'a job ends once for each submission',
    query: `
      with ended as (
        select s.job, count(*) as times from chaos.step s where s.status in ${FINISHED} group by s.job
      ), begun_anew as (
        select s.job, count(*) as times
        from chaos.step s
        where s.was in ${FINISHED} and s.status = 'new'
        group by s.job
      ), asked as (
        select r.job, count(*) as times from chaos.resubmitted r group by r.job
      )
      select e.job, format('ended %s times, resubmitted %s times', e.times, coalesce(a.times, 0))
        as fact
      from ended e
      left join asked a on a.job = e.job
      where e.times > 1 + coalesce(a.times, 0)
      union all
      select coalesce(b.job, a.job), format('began anew %s times, resubmitted %s times',
        coalesce(b.times, 0), coalesce(a.times, 0))
      from begun_anew b
      full join asked a on a.job = b.job
      where b.times is distinct from a.times`,
  },
  {
    name: 'effects through transaction happen exactly once',
    query: `
      with done as (
        select s.job, s.attempt
        from chaos.step s
        where s.type in ('chaos_transfer', 'chaos_isolated') and s.status = 'completed'
      ), effects as (
        select e.job, e.attempt, count(*) as times from chaos.effect e group by e.job, e.attempt
      )
      select coalesce(d.job, e.job) as job, format('%s effects of attempt %s, which %s',
        coalesce(e.times, 0), coalesce(d.attempt, e.attempt),
        case when d.job is null then 'did not complete' else 'completed' end) as fact
      from done d
      full join effects e on e.job = d.job and e.attempt = d.attempt
      where d.job is null or e.times is distinct from 1`,
  },
  {
    name: 'an attempt begins once, and after it was committed as started',
    query: `
      select t.job, format('attempt %s began %s times', t.attempt, count(*)) as fact
      from chaos.trace t
      where t.event = 'begin'
      group by t.job, t.attempt
      having count(*) > 1
      union all
      select t.job, format('attempt %s began before the job was started', t.attempt)
      from chaos.trace t
      where t.event = 'begin' and not exists (
        select from chaos.step s
        where s.job = t.job and s.attempt = t.attempt and s.status = 'started' and s.seq < t.seq
      )`,
  },
  {
    name: 'only attempts of workers that were struck run on beside the next',
    query: `
      select b.job, format('attempt %s ran on beside attempt %s, and nothing had struck process %s',
        b.attempt, o.attempt, w.pid) as fact
      from chaos.trace b
      join chaos.trace e on e.job = b.job and e.attempt = b.attempt and e.pid = b.pid
        and e.event = 'end'
      join chaos.trace o on o.job = b.job and o.attempt <> b.attempt and o.event = 'begin'
        and o.seq between b.seq and e.seq
      join chaos.step s on s.job = b.job and s.attempt = b.attempt and s.status = 'started'
      left join jobtable.worker w on w.id = s.worker
      where b.event = 'begin' and not exists (
        select from chaos.strike k
        where o.seq between k.from_seq and k.to_seq and (k.pids is null or w.pid = any (k.pids))
      )`,
  },
  {
    name: 'every attempt is accounted for',
    query: `
      with accounts as (
        select j.id, j.status, j.attempt, j.uncharged, coalesce(j.max_attempts, t.max_attempts) as most,
          array(
            select n from (
              select a.n from jobtable.job_attempt a where a.job = j.id
              union all
              select s.attempt from chaos.step s where s.job = j.id and s.status = 'completed'
            ) known
            order by n
          ) as known,
          array(select generate_series(1, j.attempt)) as counted,
          (
            select coalesce(max(s.attempt), 0)
            from chaos.step s
            where s.job = j.id and s.was in ${FINISHED} and s.status = 'new'
          ) as before
        from jobtable.job j
        join jobtable.job_type t on t.name = j.type
        where j.status in ('new', 'completed', 'failed', 'cancelled')
      ), released as (
        select c.id, count(a.n) filter (where a.outcome = 'released' and a.n > c.before) as times
        from accounts c
        left join jobtable.job_attempt a on a.job = c.id
        group by c.id
      )
      select c.id as job, format('attempt is %s, and there is a record of %s', c.attempt, c.known)
        as fact
      from accounts c
      where c.known <> c.counted
      union all
      select c.id, format('uncharged is %s, with %s attempts before the resubmission and %s released',
        c.uncharged, c.before, r.times)
      from accounts c
      join released r on r.id = c.id
      where c.uncharged <> c.before + r.times
      union all
      select c.id, format('%s after %s charged attempts of %s', c.status, c.attempt - c.uncharged,
        c.most)
      from accounts c
      where c.attempt - c.uncharged > c.most
        or (c.status = 'failed' and c.attempt - c.uncharged < c.most)`,
  },
  {
    name: 'the counts are those of the jobs',
    query: `
      select null::bigint as job, format('%s jobs of type %s are %s, and counted as %s',
        coalesce(j.jobs, 0), coalesce(j.type, c.type), coalesce(j.status, c.status),
        coalesce(c.count, 0)) as fact
      from (
        select j.type, j.status, count(*) as jobs from jobtable.job j group by j.type, j.status
      ) j
      full join jobtable.job_counts c on c.type = j.type and c.status = j.status
      where j.jobs is distinct from c.count`,
  },
  {
    name: 'a key is held by one unfinished job',
    query: `
      select min(j.id) as job, format('%s unfinished jobs of type %s have key %s', count(*), j.type,
        j.key) as fact
      from jobtable.job j
      where j.key is not null and j.status in ('new', 'queued', 'started')
      group by j.owner, j.type, j.key
      having count(*) > 1`,
  },
  {
    name: 'only workers that were struck lose their jobs',
    query: `
      select a.job, format('attempt %s was taken from worker %s (process %s), which nothing had struck',
        a.n, a.worker, w.pid) as fact
      from jobtable.job_attempt a
      left join jobtable.worker w on w.id = a.worker
      where a.outcome = 'lost' and not exists (
        select from chaos.step s
        join chaos.strike k on s.seq between k.from_seq and k.to_seq
          and (k.pids is null or w.pid = any (k.pids))
        where s.job = a.job and s.attempt = a.n and s.was = 'started'
      )`,
  },
]

/** Looks for everything that breaks an invariant. */
export async function findViolations(client: Pick<ClientBase, 'query'>): Promise<Violation[]> {
  const found: Violation[] = []
  await client.query('analyze')
  for (const { name, query } of INVARIANTS) {
    const { rows } = await client.query<{ job: string | null; fact: string; total: string }>(
      `select v.job::text, v.fact, count(*) over () as total
       from (${query}) v
       order by v.job
       limit ${MOST_REPORTED}`,
    )
    found.push(...rows.map(({ job, fact }) => ({ invariant: name, job, fact })))
    const more = Number(rows[0]?.total ?? 0) - rows.length
    if (more > 0) found.push({ invariant: name, job: null, fact: `and ${more} more` })
  }
  return found
}
