-- Whether a job that an entry of a lane names may be claimed. The entry only says where to look:
-- the job's own row decides.
create or replace function jobtable_internal.may_run(
  job jobtable.job, lane_priority smallint, now timestamptz
) returns boolean
language sql immutable
return job.status = 'new' and not job.paused and job.run_at <= now
  and coalesce(job.priority, lane_priority) = lane_priority;
