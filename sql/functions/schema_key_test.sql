-- What a schema asks of each key of an object, `v_key` with its value `v_item`, where that takes a
-- loop: patternProperties, additionalProperties, propertyNames. Null if nothing.
create or replace function jobtable_internal.schema_key_test(plan jsonb, path text[]) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan -> 'root' #> path;
  v_more constant jsonb := v_node -> 'additionalProperties';
  v_keys constant text := case when (plan ->> 'ecma')::boolean
    then 'jobtable_internal.code_units(v_key)' else 'v_key' end;
  v_pattern text;
  v_posix text;
  v_own text[] := array[format('v_key = any (%L)',
    array(select jsonb_object_keys(coalesce(v_node -> 'properties', '{}'))))];
  v_parts text[] := '{}';
  v_undecided boolean := false;
begin
  for v_pattern in select jsonb_object_keys(coalesce(v_node -> 'patternProperties', '{}')) loop
    v_posix := jobtable_internal.posix_pattern(v_pattern, (plan ->> 'ecma')::boolean);
    if v_posix is null then
      v_undecided := true;
    else
      v_own := v_own || format('%s ~ %L collate "C"', v_keys, v_posix);
      v_parts := v_parts || format('case when %s ~ %L collate "C" then %s else true end', v_keys,
        v_posix, jobtable_internal.schema_expression(
          plan, path || array['patternProperties', v_pattern], 'v_item', 'depth'));
    end if;
  end loop;
  -- zod passes over this key, but for a strict object.
  if (plan ->> 'ecma')::boolean and v_more is distinct from 'false' then
    v_own := v_own || 'v_key = ''__proto__'''::text;
  end if;
  if not v_undecided and v_more is not null and v_more <> 'true'
    and (v_more <> 'false' or v_node ? 'patternProperties')
  then
    v_parts := v_parts || format('case when %s then true else %s end',
      array_to_string(v_own, ' or '),
      jobtable_internal.schema_expression(
        plan, path || array['additionalProperties'], 'v_item', 'depth'));
  end if;
  if v_node ? 'propertyNames' then
    v_parts := v_parts || format('(%sto_jsonb(v_key) is null or %s)',
      case when (plan ->> 'ecma')::boolean then 'v_key = ''__proto__'' or ' else '' end,
      jobtable_internal.schema_expression(
        plan, path || array['propertyNames'], 'to_jsonb(v_key)', 'depth'));
  end if;
  return nullif(array_to_string(v_parts, ' and '), '');
end
$$;
