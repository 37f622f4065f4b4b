-- A sign of life of a worker whose executors have kept its own thread busy for too long: see beat.
create or replace function jobtable_internal.still_here(worker bigint) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
  update jobtable.worker w
  set seen_at = jobtable_internal.clock()
  where w.id = (
    select o.id
    from jobtable.worker o
    where o.id = still_here.worker and o.lost_at is null
    for no key update skip locked
  )
$$;
