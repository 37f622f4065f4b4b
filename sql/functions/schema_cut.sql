--! requires: circles, schema_is_exclusive, schema_nodes, schema_target
-- A schema without the references that lead back to where they came from by a second way for the
-- same value: whoever followed them would take time exponential in the depth of the value. One way
-- is kept at each schema; branches of which at most one can fit are one way.
create or replace function jobtable_internal.schema_cut(root jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  v_root jsonb := root;
  v_path text[];
begin
  if not root @? '$.**."$ref"' then
    return root;
  end if;
  for v_path in
    with node as materialized (
      select n.path, n.node from jobtable_internal.schema_nodes(root) n
    ), ref as materialized (
      select n.path, jobtable_internal.schema_target(n.node ->> '$ref') as target
      from node n
      where n.node ? '$ref'
    ), target as materialized (
      select r.target as path, row_number() over ()::integer as n from ref r group by r.target
    ), edge as materialized (
      -- Each schema that is referred to and has a reference within it.
      select o.n as source, t.n as target, cardinality(o.path) as depth, r.path as ref
      from ref r
      join target t on t.path = r.target
      cross join generate_series(0, cardinality(r.path)) d (depth)
      join target o on o.path = r.path[1 : d.depth]
    ), circle as materialized (
      select jobtable_internal.circles((select count(*)::integer from target),
        array_agg(e.source order by e.source), array_agg(e.target order by e.source)) as of_target
      from edge e
    ), leads_back as materialized (
      -- References to where one comes to them from, and how deep the outermost such schema is.
      select e.ref, min(e.depth) as depth
      from edge e
      cross join circle c
      where c.of_target[e.source] = c.of_target[e.target]
      group by e.ref
    ), step as materialized (
      -- From a schema to one within it.
      select p.path as origin, n.path, n.path[cardinality(p.path) + 1] as keyword
      from node n
      cross join generate_series(1, 2) i (steps)
      join node p on p.path = n.path[1 : cardinality(n.path) - i.steps]
      where i.steps = 1 and cardinality(n.path) > 0
        or n.path[cardinality(n.path) - 1] in ('properties', 'patternProperties',
          'dependentSchemas', 'allOf', 'anyOf', 'oneOf', 'prefixItems')
    ), back as materialized (
      select l.ref as origin, l.ref as path, '$ref' as keyword, l.ref from leads_back l
      union all
      select s.origin, s.path, s.keyword, l.ref
      from leads_back l
      cross join generate_series(l.depth + 1, cardinality(l.ref)) d (depth)
      join step s on s.path = l.ref[1 : d.depth] and cardinality(s.origin) >= l.depth
      where s.keyword <> 'propertyNames'
    ), choice as (
      select b.origin, b.keyword,
        jobtable_internal.schema_is_exclusive(root, jsonb_agg(distinct to_jsonb(b.path))) as is_one
      from back b
      where b.keyword in ('anyOf', 'oneOf')
      group by b.origin, b.keyword
    ), way as (
      select b.origin, b.keyword, b.ref, dense_rank() over (partition by b.origin order by case
        -- No two of these look at the same part of a value.
        when b.keyword in ('properties', 'additionalProperties', 'prefixItems', 'items') then '{}'
        when c.is_one then array[b.keyword]
        else b.path[cardinality(b.origin) + 1 :] end) as n
      from back b
      left join choice c on c.origin = b.origin and c.keyword = b.keyword
    )
    select distinct w.ref
    from way w
    where w.n > 1
      -- Its items are counted for each of the two bounds.
      or w.keyword = 'contains' and root #> w.origin ? 'maxContains'
  loop
    v_root := jsonb_set(v_root #- (v_path || array['$ref']),
      v_path || array['x-jobtable-undecided'],
      coalesce(root #> v_path -> 'x-jobtable-undecided', '[]') || '["$ref"]');
  end loop;
  return v_root;
end
$$;
