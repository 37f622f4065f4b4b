-- The place of a key within an object, after the place of that.
create or replace function jobtable_internal.fault_place(place text, key text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select place || case when key ~ '^[A-Za-z_][A-Za-z0-9_]*$' then '.' || key
    else '[' || to_json(key)::text || ']' end
$$;
