-- The latest progress of many running jobs at once. A null keeps what stands. The jobs' rows are
-- locked FOR SHARE, so that no attempt ends, and no other begins, before this is committed. Answers
-- the ids that could not be written because somebody has locked the job or its progress; all, if a
-- table is locked. Those no longer held are passed over. A row of job_progress that somebody else
-- has inserted and not yet committed ends it with 55P03, after which rows are sent apart.
create or replace function jobtable_internal.write_progress(
  ids bigint[], leases bigint[], fractions float8[], stages text[], messages text[]
) returns bigint[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_written bigint[];
begin
  if not jobtable_internal.may_tell('jobtable.job_progress') then
    return ids;
  end if;
  with mine as materialized (
    select j.id, p.fraction, p.stage, p.message
    from unnest(ids, leases, fractions, stages, messages)
      as p (id, lease, fraction, stage, message)
    join jobtable.job j on j.id = p.id
    where j.lease = p.lease and j.status = 'started'
    for share of j skip locked
  ), free as materialized (
    select p.job
    from mine m
    join jobtable.job_progress p on p.job = m.id
    for no key update of p skip locked
  ), written as (
    insert into jobtable.job_progress as q (job, fraction, stage, message, updated_at)
    select m.id, m.fraction, m.stage, m.message, v_now
    from mine m
    left join jobtable.job_progress p on p.job = m.id
    left join free f on f.job = m.id
    where p.job is null or f.job is not null
    on conflict (job) do update
    set fraction = coalesce(excluded.fraction, q.fraction),
      stage = coalesce(excluded.stage, q.stage),
      message = coalesce(excluded.message, q.message),
      updated_at = excluded.updated_at
    returning q.job
  )
  select array_agg(w.job) into v_written from written w;
  return array(
    select j.id
    from unnest(ids, leases) as p (id, lease)
    join jobtable.job j on j.id = p.id
    where j.lease = p.lease and j.status = 'started' and j.id <> all (coalesce(v_written, '{}'))
  );
end
$$;
