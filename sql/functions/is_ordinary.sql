-- Whether an inserted row is seen to be sound by a few comparisons. They are few, since a statement of
-- one row spends more on preparing each than on all else: so the columns that a client may not set are
-- compared as one record, byte for byte. refuse_insert settles the rows that do not pass.
create or replace function jobtable_internal.is_ordinary(job jobtable.job) returns boolean
language sql stable
return row(
    job.attempt, job.status, job.uncharged, job.cancel_requested, job.finished_at, job.queued_at,
    job.started_at, job.failed_at, job.worker, job.lease, job.status_detail, job.max_attempts,
    job.timeout, job.cpus, job.memory_mb, job.template, job.parent
  )::jobtable_internal.untouched *= '(0,new,0,f,,,,,,,,,,,,,)'::jobtable_internal.untouched
  and job.holds_key = (job.key is not null)
  and job.created_at = now()
  and jsonb_typeof(job.payload) = 'object'
  and jsonb_typeof(job.properties) = 'object'
  and pg_column_size(job) < 10000;
