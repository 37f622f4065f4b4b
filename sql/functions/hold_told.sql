-- Locks what the transaction that is about to complete a job needs to write what the job has told:
-- write_progress and write_logs pass over what others have locked, and this waits for it, as
-- complete does. Raises JT014 if the job is not held under the lease.
create or replace function jobtable_internal.hold_told(id bigint, lease bigint) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table jobtable.job_progress, jobtable.job_log in row exclusive mode;
  perform jobtable_internal.require_lease(id, lease, false);
  perform from jobtable.job_progress p where p.job = hold_told.id for no key update;
end
$$;
