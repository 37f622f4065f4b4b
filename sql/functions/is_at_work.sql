-- Whether a worker may claim jobs: it has its row, and nobody has rescued its jobs. One that was
-- silent for too long finds out with its next sign of life. Not in SQL: a query within such a
-- function is planned anew in each transaction.
create or replace function jobtable_internal.is_at_work(worker bigint) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
    from jobtable.worker w
    where w.id = is_at_work.worker and w.lost_at is null and w.stopped_at is null
  );
end
$$;
