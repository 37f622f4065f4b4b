-- A worker's orderly end. Receipts of jobs that it could not finish or give back are kept.
create or replace function jobtable_internal.stop_worker(worker bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  update jobtable.worker w
  set stopped_at = jobtable_internal.clock(), seen_at = jobtable_internal.clock(), running = 0
  where w.id = stop_worker.worker;

  delete from jobtable_internal.claim c
  where c.worker = stop_worker.worker and not exists (
    select
    from jobtable.job j
    where j.id = any (c.ids) and j.lease = c.lease and j.status in ('queued', 'started')
  );
end
$$;
