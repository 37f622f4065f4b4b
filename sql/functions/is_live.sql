-- Whether a worker has shown itself within its lease.
create or replace function jobtable_internal.is_live(worker jobtable.worker, now timestamptz)
returns boolean
language sql immutable
return worker.stopped_at is null and worker.lost_at is null
  and worker.seen_at > now - worker.lease_ms * interval '1 millisecond';
