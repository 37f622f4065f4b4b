-- Removes finished jobs whose retention is over, with their facets, and answers how many. It reads
-- the lists of finished ids from their old end and nothing else, so that it costs what it removes.
-- A row that somebody has locked stays in its list for the next call; one that was resubmitted is
-- in a newer list, if it has finished again.
create or replace function jobtable_internal.purge("limit" integer) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
set lock_timeout = '200ms'
as $$
declare
  -- An interval beyond this leaves the range of timestamps.
  c_longest constant interval := '1000 years';
  c_patience constant interval := '1 second';
  v_now timestamptz := jobtable_internal.clock();
  v_begun constant timestamptz := clock_timestamp();
  v_list record;
  v_left bigint[];
  v_purged integer := 0;
  v_count integer;
  v_writer text := jobtable_internal.write_as_queue();
begin
  for v_list in
    select l.*, k.before
    from (
      select t.id as type_id, false as failed, v_now - least(t.retention, c_longest) as before
      from jobtable.job_type t
      union all
      select t.id, true, v_now - least(t.failed_retention, c_longest)
      from jobtable.job_type t
    ) k
    cross join lateral (
      select f.*
      from jobtable_internal.finished f
      where f.type_id = k.type_id and f.failed = k.failed and f.at < k.before
      order by f.at, f.seq
      limit purge."limit"
      for update skip locked
    ) l
    where k.before is not null
  loop
    -- A facet's row that a client has locked stops the cascade, and so does a foreign key of a
    -- user's that does not cascade: the list is for a later call.
    begin
      with free as materialized (
        select j.id
        from jobtable.job j
        where j.id = any (v_list.ids) and j.finished_at < v_list.before
          and j.status in ('completed', 'failed', 'cancelled')
          and (j.status = 'failed') = v_list.failed
        for update skip locked
      ), gone as (
        delete from jobtable.job j using free f where j.id = f.id returning j.id
      )
      select count(*) into v_count from gone;
    exception when lock_not_available or integrity_constraint_violation then
      exit when clock_timestamp() > v_begun + c_patience;
      continue;
    end;
    v_purged := v_purged + v_count;

    v_left := array(
      select j.id
      from jobtable.job j
      where j.id = any (v_list.ids) and j.finished_at < v_list.before
        and j.status in ('completed', 'failed', 'cancelled')
        and (j.status = 'failed') = v_list.failed
    );
    if cardinality(v_left) = 0 then
      delete from jobtable_internal.finished f
      where f.type_id = v_list.type_id and f.failed = v_list.failed and f.at = v_list.at
        and f.seq = v_list.seq;
    else
      update jobtable_internal.finished f
      set ids = v_left
      where f.type_id = v_list.type_id and f.failed = v_list.failed and f.at = v_list.at
        and f.seq = v_list.seq;
    end if;
    exit when v_purged >= purge."limit" or clock_timestamp() > v_begun + c_patience;
  end loop;

  delete from jobtable.worker w
  where w.id = any (array(
    select o.id
    from jobtable.worker o
    where o.settled_at < v_now - interval '3 days'
      -- One that has asked what it holds is not done with: see adopt and worker_guard_delete.
      and not exists (select from jobtable_internal.claim c where c.worker = o.id)
    for update skip locked
  ));
  v_writer := set_config('jobtable.writer', '', true);
  return v_purged;
end
$$;
