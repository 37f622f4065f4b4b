-- Raises JT003 for a column whose feature this version does not have.
create or replace function jobtable_internal.refuse_unsupported(name text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT003',
    message = format('column "%s" is not supported by this version', name),
    hint = 'Leave it out, or set it to null.';
end
$$;
