-- A worker's row, and its number. From now on it is notified of jobs of its types.
create or replace function jobtable_internal.start_worker(
  host text, pid integer, version text, types text[], capacity integer
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_id bigint;
begin
  perform jobtable_internal.lock_workers();
  insert into jobtable.worker (host, pid, version, types, capacity, started_at, seen_at)
  values (host, pid, version, types, capacity, v_now, v_now)
  returning id into v_id;
  perform jobtable_internal.watch(array(
    select t.id from jobtable.job_type t where t.name = any (types)
  ), 0);
  return v_id;
end
$$;
