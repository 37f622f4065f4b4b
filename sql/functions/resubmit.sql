create or replace function jobtable.resubmit(id bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status jobtable.job_status;
begin
  update jobtable.job j set status = 'new'
  where j.id = resubmit.id and j.status in ('completed', 'failed', 'cancelled');
  if found then
    return;
  end if;
  select j.status into v_status from jobtable.job j where j.id = resubmit.id;
  if not found or (
    v_status in ('completed', 'failed', 'cancelled')
    and row_security_active('jobtable.job'::regclass)
  ) then
    perform jobtable_internal.refuse_missing_job(id);
  end if;
  raise exception using
    errcode = 'JT005',
    message = format('job %s is %s and cannot be resubmitted', id, v_status),
    hint = 'Only a completed, failed or cancelled job runs again.';
end
$$;

comment on function jobtable.resubmit(bigint) is
  'Runs a finished job again: its status becomes new, its attempts go on counting.

The same as `update jobtable.job set status = ''new''`, for one job and with an error if it is not
finished. Its attempts and logs are kept, its progress and result removed. Errors: JT005 (not
finished), JT008 (its key is held by another unfinished job), JT015 (no such job),
JT025 (yours to view only).';
