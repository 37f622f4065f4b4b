-- Whether a worker may claim jobs: it has its row, and nobody has rescued its jobs. One that was
-- silent for too long finds out with its next sign of life.
create or replace function jobtable_internal.is_at_work(worker bigint) returns boolean
language sql stable
return exists (
  select
  from jobtable.worker w
  where w.id = is_at_work.worker and w.lost_at is null and w.stopped_at is null
);
