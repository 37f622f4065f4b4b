-- A worker's row, and its number: a new one, or, of a worker whose row somebody has deleted under
-- it, its old one. From now on it is notified of jobs of its types.
create or replace function jobtable_internal.start_worker(
  id bigint, host text, pid integer, version text, types text[], limits integer[],
  capacity integer, heartbeat_ms integer, lease_ms integer
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_id constant bigint := coalesce(id, nextval('jobtable.worker_id_seq'));
begin
  perform jobtable_internal.lock_workers();
  insert into jobtable.worker (
    id, host, pid, version, types, limits, capacity, heartbeat_ms, lease_ms, started_at, seen_at
  )
  overriding system value
  values (
    v_id, host, pid, version, types, limits, capacity, heartbeat_ms, lease_ms, v_now, v_now
  )
  on conflict do nothing;
  perform jobtable_internal.watch(array(
    select t.id from jobtable.job_type t where t.name = any (types)
  ), 0);
  return v_id;
end
$$;
