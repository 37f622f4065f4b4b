-- Whether an executor has declared a schema of payloads before.
create or replace function jobtable_internal.is_declared(type_id integer, schema jsonb)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from jobtable_internal.declared_schema d
    where d.type_id = is_declared.type_id and d.schema is not distinct from is_declared.schema
  )
$$;
