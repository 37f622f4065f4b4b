--! requires: schema_faults, schema_is_decided
-- Whether the default of the schema at a path can be filled in by SQL.
create or replace function jobtable_internal.schema_takes_default(plan jsonb, path text[])
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jobtable_internal.schema_is_decided(plan, path)
    and cardinality(jobtable_internal.schema_faults(
      plan, path, plan -> 'root' #> path -> 'default', '', 0)) = 0
$$;
