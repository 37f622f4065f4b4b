--! requires: schema_cut, schema_items_test, schema_modern, schema_nodes, schema_target
--! requires: schema_undecided
-- A schema, and what compiling it needs to know of the whole: which schemas within it have a
-- function of their own, numbered, and what is undecided.
create or replace function jobtable_internal.schema_plan(schema jsonb, prefix text) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with document as materialized (
    select
      jobtable_internal.schema_cut(
        jobtable_internal.schema_modern(schema, coalesce(schema ->> '$schema', ''))) as root,
      coalesce(schema ->> 'x-jobtable-semantics' = 'ecmascript', false) as ecma
  ), node as materialized (
    select n.path, n.node from document d cross join jobtable_internal.schema_nodes(d.root) n
  ), unit as (
    select n.path, row_number() over (order by n.path) - 1 as n
    from node n
    where n.path = '{}'
      or n.node ?| array['properties', 'required', 'patternProperties', 'additionalProperties',
        'propertyNames', 'dependentSchemas', 'prefixItems', 'contains']
      or n.node ? 'items' and jobtable_internal.schema_items_test(n.node, '') is null
      or n.path in (select jobtable_internal.schema_target(r.node ->> '$ref') from node r)
  )
  select jsonb_build_object(
    'root', d.root,
    'ecma', d.ecma,
    'prefix', prefix,
    'units', (select jsonb_object_agg(u.path::text, u.n) from unit u),
    'undecided', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'path', u.path::text, 'keyword', u.keyword, 'why', u.why) order by u.path, u.keyword), '[]')
      from jobtable_internal.schema_undecided(d.root, d.ecma) u
    )
  )
  from document d
$$;
