-- Before a DELETE of a started job: refused. DELETE cancels what has not begun.
create or replace function jobtable_internal.job_guard_delete() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT006',
    message = format('job %s has started and can no longer be cancelled by DELETE', old.id),
    detail = format('Started at %s by worker %s.', old.started_at, old.worker),
    hint = format('update jobtable.job set cancel_requested = true where id = %s', old.id);
end
$$;

create or replace trigger job_guard_delete
before delete on jobtable.job
for each row
when (old.status = 'started')
execute function jobtable_internal.job_guard_delete();
