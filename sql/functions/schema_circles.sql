--! requires: circles, schema_nodes, schema_target
-- The references that lead back to themselves for the very same value, so that checking would never
-- end.
create or replace function jobtable_internal.schema_circles(root jsonb)
returns table (path text[])
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with node as materialized (
    select n.path, n.node, row_number() over ()::integer as n
    from jobtable_internal.schema_nodes(root) n
  ), edge as materialized (
    select a.n as source, b.n as target, a.path as ref
    from node a
    join node b on b.path = jobtable_internal.schema_target(a.node ->> '$ref')
    union all
    select a.n, b.n, null
    from node b
    join node a on a.path = b.path[1 : cardinality(b.path) - 2]
    where b.path[cardinality(b.path) - 1] in ('allOf', 'anyOf', 'oneOf', 'dependentSchemas')
    union all
    select a.n, b.n, null
    from node b
    join node a on a.path = b.path[1 : cardinality(b.path) - 1]
    where b.path[cardinality(b.path)] in ('not', 'if', 'then', 'else')
  ), circle as materialized (
    select jobtable_internal.circles((select count(*)::integer from node),
      array_agg(e.source order by e.source), array_agg(e.target order by e.source)) as of_node
    from edge e
  )
  select e.ref
  from edge e
  cross join circle c
  where e.ref is not null and c.of_node[e.source] = c.of_node[e.target]
$$;
