-- The roles of the isolation, or null while owners are not kept apart.
create or replace function jobtable_internal.isolated() returns jobtable_internal.isolation
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select i.* from jobtable_internal.isolation i where i.enabled
$$;
