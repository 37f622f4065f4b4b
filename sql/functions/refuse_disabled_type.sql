-- Raises JT026 for a type of which an operator wants no jobs.
create or replace function jobtable_internal.refuse_disabled_type(name text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT026',
    message = format('job type "%s" is disabled', name),
    detail = 'Nothing was inserted. Jobs that wait stay until it is enabled again.',
    hint = format('update jobtable.job_type set enabled = true where name = %L', name);
end
$$;
