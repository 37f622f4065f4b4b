-- A worker's sign of life, for the process and not for each job. The receipts of leases that it has
-- closed, because nothing is held under them any more, are dropped. `alive` is false if its row is
-- gone; `cancels` are the jobs among `held` that a client has asked to stop, in case the
-- notification was lost.
create or replace function jobtable_internal.beat(
  worker bigint, running integer, held bigint[], closed bigint[],
  out alive boolean, out cancels bigint[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
begin
  update jobtable.worker w
  set seen_at = jobtable_internal.clock(), running = beat.running
  where w.id = (
    select o.id from jobtable.worker o where o.id = beat.worker for no key update skip locked
  );
  alive := exists (select from jobtable.worker w where w.id = beat.worker);

  delete from jobtable_internal.claim c
  where c.worker = beat.worker and c.lease = any (closed);

  cancels := array(
    select j.id from jobtable.job j where j.id = any (held) and j.cancel_requested
  );
end
$$;
