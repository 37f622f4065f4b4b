-- Tells the worker of a started job that a client asks it to stop, and writes down who does, when
-- and why; refused in any other status. The reason is the setting jobtable.cancel_reason, if any.
-- When is told by the wall clock: whoever asks can set the other one.
create or replace function jobtable_internal.request_cancel(
  id bigint, status jobtable.job_status
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if status in ('new', 'queued') then
    raise exception using
      errcode = 'JT005',
      message = format('job %s is %s: there is nothing to stop yet', id, status),
      hint = format('Cancel it: delete from jobtable.job where id = %s', id);
  elsif status <> 'started' then
    raise exception using
      errcode = 'JT007',
      message = format('job %s is %s and cannot be cancelled', id, status),
      hint = 'A finished job stays as it is; DELETE removes it from the record.';
  end if;
  insert into jobtable.job_cancel (job, requested_at, requested_by, reason)
  values (
    id, clock_timestamp(), jobtable_internal.actor(),
    nullif(current_setting('jobtable.cancel_reason', true), '')
  )
  on conflict on constraint job_cancel_pkey do update
  set requested_at = excluded.requested_at,
    requested_by = excluded.requested_by,
    reason = excluded.reason;
  if coalesce(current_setting('jobtable.notify', true), '') <> 'off' then
    perform pg_notify('jobtable_cancel', id::text);
  end if;
end
$$;
