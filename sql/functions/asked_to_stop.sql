-- Those of a worker's jobs that a client has asked to stop: {id, by, reason}, or null for none.
create or replace function jobtable_internal.asked_to_stop(held bigint[]) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(
    jsonb_build_object('id', j.id::text, 'by', c.requested_by, 'reason', c.reason) order by j.id
  )
  from jobtable.job j
  left join jobtable.job_cancel c on c.job = j.id
  where j.id = any (held) and j.cancel_requested and j.status = 'started'
$$;
