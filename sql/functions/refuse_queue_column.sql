-- Raises JT004 for a column that only the queue writes.
create or replace function jobtable_internal.refuse_queue_column(name text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT004',
    message = format('column "%s" of a job is written by the queue alone', name),
    detail = 'A client may insert type, payload, owner, title, properties, priority, run_at, '
      'paused, max_attempts, timeout, key.',
    hint = 'Leave the column out.';
end
$$;
