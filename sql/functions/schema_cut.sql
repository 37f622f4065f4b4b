--! requires: schema_is_exclusive, schema_nodes, schema_target
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
    with recursive node as materialized (
      select n.path, n.node from jobtable_internal.schema_nodes(root) n
    ), ref as materialized (
      select n.path, jobtable_internal.schema_target(n.node ->> '$ref') as target
      from node n
      where n.node ? '$ref'
    ), leads (origin, target) as (
      select r.target, r.target from ref r
      union
      select l.origin, r.target
      from leads l
      join ref r on r.path[1 : cardinality(l.target)] = l.target
    ), circle as materialized (
      select r.path, l.target
      from ref r
      join leads l on l.origin = r.target
    ), step as materialized (
      -- From a schema to one within it, or by its own reference.
      select r.path as origin, r.path, '$ref' as keyword from ref r
      union all
      select p.path, n.path, n.path[cardinality(p.path) + 1]
      from node n
      cross join generate_series(1, 2) i (steps)
      join node p on p.path = n.path[1 : cardinality(n.path) - i.steps]
      where i.steps = 1 and cardinality(n.path) > 0
        or n.path[cardinality(n.path) - 1] in ('properties', 'patternProperties',
          'dependentSchemas', 'allOf', 'anyOf', 'oneOf', 'prefixItems')
    ), back as materialized (
      select s.origin, s.path, s.keyword, c.path as ref
      from step s
      join circle c on s.origin[1 : cardinality(c.target)] = c.target
        and case when s.keyword = '$ref' then c.path = s.path
          else c.path[1 : cardinality(s.path)] = s.path end
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
