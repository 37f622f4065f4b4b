-- Whether a job was completed under this lease: asked when the answer to a COMMIT was lost. One
-- that is still on its way is waited for: its transaction holds the row.
create or replace function jobtable_internal.was_completed(id bigint, lease bigint)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status jobtable.job_status;
begin
  select j.status into v_status
  from jobtable.job j
  where j.id = was_completed.id and j.lease = was_completed.lease
  for share;
  return v_status is not distinct from 'completed';
end
$$;
