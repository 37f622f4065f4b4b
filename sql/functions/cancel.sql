create or replace function jobtable.cancel(id bigint) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status jobtable.job_status;
begin
  select j.status into v_status from jobtable.job j where j.id = cancel.id for update;
  if not found then
    perform jobtable_internal.refuse_missing_job(id);
  end if;
  if v_status in ('new', 'queued') then
    delete from jobtable.job j where j.id = cancel.id;
    return 'deleted';
  end if;
  if v_status <> 'started' then
    perform jobtable_internal.request_cancel(cancel.id, v_status);
  end if;
  update jobtable.job j set cancel_requested = true where j.id = cancel.id;
  return 'requested';
end
$$;

comment on function jobtable.cancel(bigint) is
  'Cancels a job: deletes it if it has not begun, else asks its executor to stop.

Answers ''deleted'' or ''requested''. Errors: JT007 (already finished), JT015 (no such job).';
