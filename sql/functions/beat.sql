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
as $$
begin
  update jobtable.worker w
  set seen_at = jobtable_internal.clock(), running = beat.running
  where w.id = beat.worker;
  alive := found;

  delete from jobtable_internal.claim c
  where c.worker = beat.worker and c.lease = any (closed);

  cancels := array(
    select j.id from jobtable.job j where j.id = any (held) and j.cancel_requested
  );
end
$$;
