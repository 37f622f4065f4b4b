-- Whether a worker lives: it has shown itself within its lease.
create or replace function jobtable_internal.is_live(worker jobtable.worker) returns boolean
language sql volatile
return worker.stopped_at is null and worker.lost_at is null
  and worker.seen_at > jobtable_internal.clock() - worker.lease_ms * interval '1 millisecond';
