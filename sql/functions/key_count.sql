-- How many keys an object has.
create or replace function jobtable_internal.key_count(object jsonb) returns bigint
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select count(*) from jsonb_object_keys(object)
$$;
