-- Raises JT010 where a client changes a column after the moment up to which it steers the job.
create or replace function jobtable_internal.refuse_late_steering(
  before jobtable.job, after jobtable.job
) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text := case
    when after.payload <> before.payload and before.status <> 'new' then 'payload'
    when before.status in ('new', 'queued') then null
    when after.priority is distinct from before.priority then 'priority'
    when after.run_at <> before.run_at then 'run_at'
    when after.paused <> before.paused then 'paused'
    when after.max_attempts is distinct from before.max_attempts then 'max_attempts'
    when after.timeout is distinct from before.timeout then 'timeout'
  end;
begin
  if v_column is not null then
    raise exception using
      errcode = 'JT010',
      message = format('job %s is %s: its %s can no longer be changed', before.id,
        before.status, v_column),
      detail =
        'payload is steered while a job is new; priority, run_at, paused, max_attempts and timeout '
        'until it starts.',
      hint = case when before.status in ('completed', 'failed', 'cancelled') then
        'Resubmit it in the same UPDATE: set status = ''new'' beside the change.'
      else 'title and properties may be changed at any time.' end;
  end if;
end
$$;
