--! requires: schema_nodes, schema_target
-- Whether a schema refers to itself for the very same value, so that checking would never end.
create or replace function jobtable_internal.schema_circles(root jsonb, path text[])
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with recursive same (at) as (
    select jobtable_internal.schema_target(root #> schema_circles.path ->> '$ref')
    union
    select c.at
    from same s
    cross join lateral (
      select jobtable_internal.schema_target(root #> s.at ->> '$ref') as at
      where root #> s.at ? '$ref'
      union all
      select n.path
      from jobtable_internal.schema_nodes(root) n
      where n.path[1 : cardinality(s.at)] = s.at
        and (
          cardinality(n.path) = cardinality(s.at) + 2
          and n.path[cardinality(s.at) + 1] in ('allOf', 'anyOf', 'oneOf', 'dependentSchemas')
          or cardinality(n.path) = cardinality(s.at) + 1
          and n.path[cardinality(s.at) + 1] in ('not', 'if', 'then', 'else')
        )
    ) c
  )
  select exists (select from same s where s.at = schema_circles.path)
$$;
