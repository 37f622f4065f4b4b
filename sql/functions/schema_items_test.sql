--! requires: schema_types
-- The test of the items of an array where one path expression tells: all are of some types, and
-- that is all. It saves two calls and a loop. Null otherwise.
create or replace function jobtable_internal.schema_items_test(node jsonb, value text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select format('not jsonb_path_exists(%s, %L)', value,
    'strict $[*] ? (' || string_agg(format('@.type() != "%s"', t.type), ' && ') || ')')
  from unnest(jobtable_internal.schema_types(node -> 'items')) t (type)
  where jsonb_typeof(node -> 'items') = 'object'
    and (node -> 'items') - array['type', 'title', 'description'] = '{}'
    and not node ?| array['prefixItems', 'contains']
  -- Numbers are asked for more than their type.
  having not bool_or(t.type in ('number', 'integer')) and count(*) > 0
$$;
