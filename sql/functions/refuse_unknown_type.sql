-- Raises JT001 for a type that no executor has registered.
create or replace function jobtable_internal.refuse_unknown_type(name text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_nearest text[] := jobtable_internal.nearest(name);
begin
  raise exception using
    errcode = 'JT001',
    message = format('unknown job type "%s"', name),
    detail = 'No row of jobtable.job_type has this name.',
    hint = case when cardinality(v_nearest) > 0 then
      format('Did you mean "%s"? ', array_to_string(v_nearest, '", "'))
    else '' end
    || 'A type is known once a worker with its executor has started, or after `jobtable register`.';
end
$$;
