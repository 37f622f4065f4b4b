-- What a schema asks of the keys of an object, as SQL expressions: all, or what its quick tests do
-- not tell. Its function has the properties in variables v_1, v_2 and so on.
create or replace function jobtable_internal.schema_object_parts(
  plan jsonb, path text[], value text, depth text, quick boolean
) returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan -> 'root' #> path;
  v_properties constant jsonb := coalesce(v_node -> 'properties', '{}');
  v_parts text[] := '{}';
  v_key text;
  v_child jsonb;
  v_field text;
  v_test text;
  v_required boolean;
  v_quick boolean;
  v_kind text;
begin
  for v_key in
    select r.key from jsonb_array_elements_text(coalesce(v_node -> 'required', '[]')) r (key)
    where not v_properties ? r.key
  loop
    v_parts := v_parts || format('jsonb_exists(%s, %L)', value, v_key);
  end loop;
  for v_key, v_child, v_field, v_quick, v_kind in
    select p.key, p.value, 'v_' || p.n, q.key is not null, q.kind
    from jsonb_each(v_properties) with ordinality p (key, value, n)
    left join jobtable_internal.schema_quick_tests(plan, path) q on quick and q.key = p.key
    where not (q.key is not null and q.kind is null)
    -- What is cheap tells the branches of a union apart before any of them descends.
    order by not p.value ?| array['const', 'enum'],
      coalesce(p.value ->> 'type' in ('object', 'array'), true), p.n
  loop
    if v_quick then
      v_field := format('jsonb_object_field(%s, %L)', value, v_key);
      v_test := jobtable_internal.schema_body(
        plan, path || array['properties', v_key], v_field, depth, v_kind);
    else
      v_test := jobtable_internal.schema_expression(
        plan, path || array['properties', v_key], v_field, depth);
    end if;
    v_required := coalesce(v_node -> 'required' ? v_key, false);
    v_parts := v_parts || case
      -- Where there is a type, what is missing has none.
      when v_required and v_child ? 'type' then nullif(v_test, 'true')
      when v_required then format('(%s is not null and %s)', v_field, v_test)
      when v_test = 'true' then null
      else format('(%s is null or %s)', v_field, v_test)
    end;
  end loop;
  for v_key, v_child in
    select d.key, d.value from jsonb_each(coalesce(v_node -> 'dependentRequired', '{}')) d
  loop
    v_parts := v_parts || format('(not jsonb_exists(%1$s, %2$L) or jsonb_exists_all(%1$s, %3$L))',
      value, v_key, array(select jsonb_array_elements_text(v_child)));
  end loop;
  for v_key in select jsonb_object_keys(coalesce(v_node -> 'dependentSchemas', '{}')) loop
    v_parts := v_parts || format('(not jsonb_exists(%s, %L) or %s)', value, v_key,
      jobtable_internal.schema_expression(
        plan, path || array['dependentSchemas', v_key], value, depth));
  end loop;
  if v_node -> 'additionalProperties' = 'false' and not v_node ? 'patternProperties' then
    v_parts := v_parts || format('%s - %L::text[] = ''{}''', value,
      array(select jsonb_object_keys(v_properties)));
  end if;
  if jobtable_internal.schema_key_test(plan, path) is not null then
    v_parts := v_parts || format('jobtable_internal.%I(%s, %s)',
      (plan ->> 'prefix') || (plan -> 'units' ->> path::text) || '_keys', value, depth);
  end if;
  return array_remove(v_parts, null);
end
$$;
