create or replace function jobtable.cancel(id bigint, reason text default null) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status jobtable.job_status;
begin
  -- Not FOR UPDATE, which would wait for the executor's own transaction.
  select j.status into v_status from jobtable.job j where j.id = cancel.id for no key update;
  if not found then
    perform jobtable_internal.refuse_missing_job(id);
  end if;
  if v_status in ('new', 'queued') then
    delete from jobtable.job j where j.id = cancel.id;
    return 'deleted';
  end if;
  perform set_config('jobtable.cancel_reason', coalesce(left(cancel.reason, 1000), ''), true);
  if v_status <> 'started' then
    perform jobtable_internal.request_cancel(cancel.id, v_status);
  end if;
  update jobtable.job j set cancel_requested = true where j.id = cancel.id;
  perform set_config('jobtable.cancel_reason', '', true);
  return 'requested';
end
$$;

comment on function jobtable.cancel(bigint, text) is
  'Cancels a job: deletes it if it has not begun, else asks its executor to stop.

reason: told to the executor and kept in jobtable.job_cancel, at most 1,000 characters; default
none. Answers ''deleted'' or ''requested''. Errors: JT007 (already finished), JT015 (no such job),
JT025 (yours to view only).';
