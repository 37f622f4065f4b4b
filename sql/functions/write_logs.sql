-- Log lines of running jobs, in order. `ages` are milliseconds before now, by the worker's
-- monotonic clock, so that only the database's clock tells the time. Answers the positions (from 1)
-- of lines that could not be written because somebody has locked their job; all, if a table is
-- locked: the worker must have the answer before it gives up waiting, lest it send again what is
-- written later. A line may be on its way while an executor's own transaction completes the job: it
-- is written all the same.
create or replace function jobtable_internal.write_logs(
  ids bigint[], leases bigint[], ages float8[], levels text[], messages text[], fields jsonb[]
) returns integer[]
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_held bigint[];
begin
  if not jobtable_internal.may_tell('jobtable.job_log') then
    return array(select generate_subscripts(ids, 1));
  end if;
  with mine as materialized (
    select j.id, j.attempt, l.age, l.level, l.message, l.fields, l.ord
    from unnest(ids, leases, ages, levels, messages, fields)
      with ordinality as l (id, lease, age, level, message, fields, ord)
    join jobtable.job j on j.id = l.id
    where j.lease = l.lease and j.status in ('started', 'completed')
    for share of j skip locked
  ), written as (
    insert into jobtable.job_log (job, attempt, at, level, message, fields)
    select m.id, m.attempt, v_now - m.age * interval '1 millisecond', m.level, m.message, m.fields
    from mine m
    order by m.ord
    returning job
  )
  select array_agg(distinct w.job) into v_held from written w;
  return array(
    select l.ord::integer
    from unnest(ids, leases) with ordinality as l (id, lease, ord)
    join jobtable.job j on j.id = l.id
    where j.lease = l.lease and j.status in ('started', 'completed')
      and l.id <> all (coalesce(v_held, '{}'))
  );
end
$$;
