-- The expression of schema_expression(), written out. Of a value of a `known` kind, or an object
-- whose quick tests hold, it is what is left to be told.
create or replace function jobtable_internal.schema_body(
  plan jsonb, path text[], value text, depth text, known text default null
) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_kinds constant text[] := array['null', 'boolean', 'number', 'string', 'array', 'object'];
  v_node constant jsonb := plan #> (array['root'] || path);
  v_types text[] := jobtable_internal.schema_types(v_node);
  v_tests jsonb;
  v_whens text;
  v_parts text[];
begin
  if 'integer' = any (v_types) then
    v_types := v_types || 'number'::text;
  end if;
  select coalesce(jsonb_object_agg(t.kind, t.tests), '{}') into v_tests
  from (
    select a.kind, string_agg(a.test, ' and ' order by a.n) as tests
    from (
      select t.kind, t.test, t.n
      from jobtable_internal.schema_tests(v_node, value, (plan ->> 'ecma')::boolean)
        with ordinality t (kind, test, expected, n)
      union all
      select 'object', o.test, 1000 + o.n
      from unnest(jobtable_internal.schema_object_parts(
        plan, path, value, depth, known is not null))
        with ordinality o (test, n)
      union all
      select 'array', o.test, 1000 + o.n
      from unnest(jobtable_internal.schema_array_parts(plan, path, value, depth))
        with ordinality o (test, n)
    ) a
    group by a.kind
  ) t;

  if known is not null then
    v_whens := v_tests ->> known;
  else
    select string_agg(format(' when %L then %s', k.kind, coalesce(v_tests ->> k.kind, 'true')), '')
    into v_whens
    from unnest(c_kinds) k (kind)
    where case when v_types is null then v_tests ? k.kind else k.kind = any (v_types) end;
    if v_whens is not null or v_types is not null then
      v_whens := case when v_whens is null then 'false' else
        format('case jsonb_typeof(%s)%s else %s end', value, v_whens,
          (v_types is null)::text)
      end;
    end if;
  end if;
  v_parts := array[v_tests ->> 'any', v_whens]
    || jobtable_internal.schema_mixed_parts(plan, path, value, depth);
  return coalesce(
    (select '(' || string_agg(p.part, ' and ') || ')' from unnest(v_parts) p (part)
     where p.part is not null),
    'true');
end
$$;
