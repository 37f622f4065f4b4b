-- What a schema asks by other schemas for the same value, as SQL expressions.
create or replace function jobtable_internal.schema_mixed_parts(
  plan jsonb, path text[], value text, depth text
) returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan -> 'root' #> path;
  v_if constant text[] := path || array['if'];
  v_parts text[] := '{}';
  v_branches text[];
  v_then text;
  v_else text;
begin
  if v_node ? '$ref' then
    v_parts := v_parts || jobtable_internal.schema_expression(
      plan, jobtable_internal.schema_target(v_node ->> '$ref'), value, depth || ' + 1');
  end if;
  for i in 0 .. jsonb_array_length(coalesce(v_node -> 'allOf', '[]')) - 1 loop
    v_parts := v_parts || jobtable_internal.schema_expression(
      plan, path || array['allOf', i::text], value, depth);
  end loop;
  if v_node ? 'anyOf' then
    v_parts := v_parts || format('(%s)', array_to_string(
      jobtable_internal.schema_branches(plan, path, 'anyOf', value, depth), ' or '));
  end if;
  if v_node ? 'oneOf' then
    v_branches := jobtable_internal.schema_branches(plan, path, 'oneOf', value, depth);
    v_parts := v_parts || case
      when jobtable_internal.schema_is_exclusive(plan -> 'root', (
          select jsonb_agg(path || array['oneOf', (i.n - 1)::text])
          from generate_series(1, cardinality(v_branches)) i (n)))
        or not jobtable_internal.schema_is_decided(plan, path || array['oneOf'])
      then format('(%s)', array_to_string(v_branches, ' or '))
      else format('(%s) = 1', (
        select string_agg(format('(%s)::integer', b.test), ' + ') from unnest(v_branches) b (test)))
    end;
  end if;
  if v_node ? 'not' and jobtable_internal.schema_is_decided(plan, path || array['not']) then
    v_parts := v_parts || format('not %s', jobtable_internal.schema_expression(
      plan, path || array['not'], value, depth));
  end if;
  if v_node ? 'if' and (v_node ? 'then' or v_node ? 'else') then
    v_then := case when v_node ? 'then' then jobtable_internal.schema_expression(
      plan, path || array['then'], value, depth) else 'true' end;
    v_else := case when v_node ? 'else' then jobtable_internal.schema_expression(
      plan, path || array['else'], value, depth) else 'true' end;
    v_parts := v_parts || case when jobtable_internal.schema_is_decided(plan, v_if)
      then format('case when %s then %s else %s end',
        jobtable_internal.schema_expression(plan, v_if, value, depth), v_then, v_else)
      else format('(%s or %s)', v_then, v_else)
    end;
  end if;
  return array_remove(v_parts, 'true');
end
$$;
