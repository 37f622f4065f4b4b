-- The types that a schema allows, by JSON Schema's names; null if it does not say.
create or replace function jobtable_internal.schema_types(node jsonb) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case jsonb_typeof(node -> 'type')
    when 'string' then array[node ->> 'type']
    when 'array' then array(select jsonb_array_elements_text(node -> 'type'))
  end
$$;
