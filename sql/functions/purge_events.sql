-- Removes events whose retention is over, at most so many, and answers how many.
create or replace function jobtable_internal.purge_events("limit" integer) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set lock_timeout = '200ms'
as $$
declare
  -- An interval beyond this leaves the range of timestamps.
  c_longest constant interval := '1000 years';
  v_now constant timestamptz := jobtable_internal.clock();
  v_purged integer;
begin
  with gone as (
    delete from jobtable.job_event v
    where v.ctid = any (array(
      select o.ctid
      from jobtable.job_type t
      cross join lateral (
        select e.ctid
        from jobtable.job_event e
        where e.type = t.name and e.at < v_now - least(t.history_retention, c_longest)
        order by e.at
        limit purge_events."limit"
        for update skip locked
      ) o
      where t.history_retention is not null
      limit purge_events."limit"
    ))
    returning 1
  )
  select count(*) into v_purged from gone;
  return v_purged;
end
$$;
