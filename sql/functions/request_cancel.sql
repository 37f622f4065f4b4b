-- Tells the worker of a started job that a client asks it to stop; refused in any other status.
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
  if coalesce(current_setting('jobtable.notify', true), '') <> 'off' then
    perform pg_notify('jobtable_cancel', id::text);
  end if;
end
$$;
