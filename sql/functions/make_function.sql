-- Creates one function of a compiled schema. It has no search path of its own, which would cost as
-- much as the check: whoever calls it has one.
create or replace function jobtable_internal.make_function(
  name text, parameters text, result text, body text
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('create or replace function jobtable_internal.%I(%s) returns %s '
    'language plpgsql immutable as %L', name, parameters, result, body);
  execute format('revoke execute on function jobtable_internal.%I from public', name);
end
$$;
