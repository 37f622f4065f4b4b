--! requires: schema_path_test, schema_types
-- The properties of an object of which one path expression tells all that its schema asks of them,
-- or at least that they have the right type: then `kind` is that type, and its tests remain.
create or replace function jobtable_internal.schema_quick_tests(plan jsonb, path text[])
returns table (key text, test text, kind text)
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p.key, case when n.node -> 'required' ? p.key then t.test
      else format('(%s || !exists(%s))', t.test, a.at) end,
    case when w.test is null then t.kind end
  from (select plan -> 'root' #> path) n (node)
  cross join jsonb_each(n.node -> 'properties') p
  cross join lateral (select format('$.%s', to_jsonb(p.key))) a (at)
  cross join lateral (
    select jobtable_internal.schema_path_test(p.value, a.at, (plan ->> 'ecma')::boolean)
    where jsonb_typeof(p.value) = 'object'
  ) w (test)
  cross join lateral (
    select coalesce(w.test, format('%s.type() == "%s"', a.at, k.kind)), k.kind
    from (
      select case when not plan -> 'units' ? (path || array['properties', p.key])::text
        and jsonb_typeof(p.value -> 'type') = 'string'
        then replace(p.value ->> 'type', 'integer', 'number') end
    ) k (kind)
  ) t (test, kind)
  where t.test is not null
    and coalesce('object' = any (jobtable_internal.schema_types(n.node)), true)
  -- What tells the branches of a union apart comes first.
  order by not p.value ?| array['const', 'enum'], p.key
$$;
