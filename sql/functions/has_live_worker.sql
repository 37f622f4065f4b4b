--! requires: is_live
-- Whether a worker that lives runs a type. Every client may ask, though it may not see the workers.
create or replace function jobtable_internal.has_live_worker(type text) returns boolean
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from jobtable.worker w
    where has_live_worker.type = any (w.types) and jobtable_internal.is_live(w)
  )
$$;
