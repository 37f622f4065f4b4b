-- Every schema within a schema, itself included, with the path to it.
create or replace function jobtable_internal.schema_nodes(root jsonb)
returns table (path text[], node jsonb)
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with recursive n (path, node) as (
    select '{}'::text[], root
    union all
    select n.path || c.path, c.node
    from n
    cross join lateral (
      select k.key, k.value, jsonb_typeof(k.value) as kind
      from jsonb_each(case when jsonb_typeof(n.node) = 'object' then n.node else '{}' end) k
    ) k
    cross join lateral (
      select array[k.key, m.key] as path, m.value as node
      from jsonb_each(case when k.kind = 'object' then k.value else '{}' end) m
      where k.key in
        ('properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas')
      union all
      select array[k.key, (m.n - 1)::text], m.value
      from jsonb_array_elements(case when k.kind = 'array' then k.value else '[]' end)
        with ordinality m (value, n)
      where k.key in ('allOf', 'anyOf', 'oneOf', 'prefixItems')
      union all
      select array[k.key], k.value
      where k.key in
        ('additionalProperties', 'propertyNames', 'items', 'contains', 'not', 'if', 'then', 'else')
    ) c
  )
  select n.path, n.node from n
$$;
