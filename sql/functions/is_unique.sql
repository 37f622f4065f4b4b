-- Whether no two elements of an array are equal.
create or replace function jobtable_internal.is_unique(list jsonb) returns boolean
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select count(*) = count(distinct e.value) from jsonb_array_elements(list) e
$$;
