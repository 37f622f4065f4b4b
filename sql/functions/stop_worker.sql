-- A worker's orderly end. Receipts of jobs that it could not finish or give back are kept, and
-- fences. It stays under watch like one that was lost: a tick of it may have been on its way. Of
-- types that no other worker runs nobody is notified from now on. One that was killed counts as
-- running: then the notifications go on.
create or replace function jobtable_internal.stop_worker(worker bigint) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_types text[];
begin
  perform jobtable_internal.lock_workers();
  update jobtable.worker w
  set stopped_at = v_now, seen_at = v_now, running = 0, lost_at = null
  where w.id = stop_worker.worker
  returning w.types into v_types;
  perform jobtable_internal.watch(array(
    select t.id
    from jobtable.job_type t
    where t.name = any (v_types) and not exists (
      select from jobtable.worker w where w.stopped_at is null and t.name = any (w.types)
    )
  ), null);

  delete from jobtable_internal.claim c
  where c.worker = stop_worker.worker and not jobtable_internal.is_fence(c, v_now) and not exists (
    select
    from jobtable.job j
    where j.id = any (c.ids) and j.lease = c.lease and j.status in ('queued', 'started')
  );
end
$$;
