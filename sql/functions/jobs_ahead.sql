--! requires: lane
-- About how many jobs of its type a claim would take before this one: those in the entries of the
-- queue before its own, of which it reads 1,000 at most.
create or replace function jobtable_internal.jobs_ahead(job jobtable.job) returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    sum(coalesce(array_position(q.ids, job.id) - 1, cardinality(q.ids))), 0
  )::bigint
  from (
    select r.ids
    from jobtable.job_type t
    join jobtable_internal.ready r
      on r.lane >= jobtable_internal.lane(t.id, (-32768)::smallint)
      and (r.lane, r.seq) <= (
        jobtable_internal.lane(t.id, coalesce(job.priority, t.priority)), job.id
      )
    where t.name = job.type
    order by r.lane, r.seq
    limit 1000
  ) q
$$;
