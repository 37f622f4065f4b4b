-- What a schema asks of the items of an array, as SQL expressions.
create or replace function jobtable_internal.schema_array_parts(
  plan jsonb, path text[], value text, depth text
) returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan -> 'root' #> path;
  v_prefix constant integer := jsonb_array_length(coalesce(v_node -> 'prefixItems', '[]'));
  v_unit constant text := (plan ->> 'prefix') || (plan -> 'units' ->> path::text);
  v_call text;
  v_parts text[] := '{}';
  v_item text;
  v_test text;
begin
  for i in 0 .. v_prefix - 1 loop
    v_item := format('jsonb_array_element(%s, %s)', value, i);
    v_test := jobtable_internal.schema_expression(
      plan, path || array['prefixItems', i::text], v_item, depth);
    if v_test <> 'true' then
      v_parts := v_parts || format('(%s is null or %s)', v_item, v_test);
    end if;
  end loop;
  if v_node -> 'items' = 'false' then
    v_parts := v_parts || format('jsonb_array_length(%s) <= %s', value, v_prefix);
  elsif jobtable_internal.schema_items_test(v_node, value) is not null then
    v_parts := v_parts || jobtable_internal.schema_items_test(v_node, value);
  elsif v_node -> 'items' <> 'true' then
    v_parts := v_parts
      || format('jobtable_internal.%I(%s, %s)', v_unit || '_items', value, depth);
  end if;
  if v_node ? 'contains' then
    v_call := format('jobtable_internal.%I(%s, %s)', v_unit || '_contains', value, depth);
    v_parts := v_parts || format('%s >= %s', v_call,
      ceil(coalesce((v_node -> 'minContains')::numeric, 1)));
    if v_node ? 'maxContains'
      and jobtable_internal.schema_is_decided(plan, path || array['contains'])
    then
      v_parts := v_parts || format('%s <= %s', v_call,
        floor((v_node -> 'maxContains')::numeric));
    end if;
  end if;
  return v_parts;
end
$$;
