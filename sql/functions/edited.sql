--! requires: short
-- What a client has changed of a job, column by column with both values; null if nothing.
create or replace function jobtable_internal.edited(before jobtable.job, after jobtable.job)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(b.key, jsonb_build_object(
    'from', jobtable_internal.short(b.value), 'to', jobtable_internal.short(a.value)
  ))
  from jsonb_each(to_jsonb(before)) b
  join jsonb_each(to_jsonb(after)) a on a.key = b.key and a.value <> b.value
  where b.key in (
    'payload', 'title', 'properties', 'priority', 'run_at', 'paused', 'max_attempts',
    'timeout', 'cancel_requested'
  )
$$;
