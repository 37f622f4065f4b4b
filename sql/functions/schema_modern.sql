-- A schema in the words of draft 2020-12, whatever draft it was written for: lists under `items`,
-- `additionalItems`, `dependencies`, and bounds that a boolean makes exclusive.
create or replace function jobtable_internal.schema_modern(node jsonb, draft text) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node jsonb := node;
  v_key text;
  v_value jsonb;
begin
  if jsonb_typeof(node) <> 'object' then
    return node;
  end if;
  if node ? '$ref' and draft ~ 'draft-0[3467]' then
    v_node := jsonb_build_object('$ref', node -> '$ref')
      || jsonb_strip_nulls(jsonb_build_object('definitions', node -> 'definitions'));
  end if;
  if jsonb_typeof(v_node -> 'items') = 'array' then
    v_node := v_node - 'items' - 'additionalItems'
      || jsonb_build_object('prefixItems', v_node -> 'items')
      || case when v_node ? 'additionalItems'
        then jsonb_build_object('items', v_node -> 'additionalItems') else '{}' end;
  elsif v_node ? 'additionalItems' then
    -- Without a list under `items` it says nothing.
    v_node := v_node - 'additionalItems';
  end if;
  if jsonb_typeof(v_node -> 'dependencies') = 'object' then
    for v_key, v_value in select d.key, d.value from jsonb_each(v_node -> 'dependencies') d loop
      v_node := v_node || case when jsonb_typeof(v_value) in ('array', 'string')
        then jsonb_build_object('dependentRequired', coalesce(v_node -> 'dependentRequired', '{}')
          || jsonb_build_object(v_key,
            case jsonb_typeof(v_value) when 'string' then jsonb_build_array(v_value)
            else v_value end))
        else jsonb_build_object('dependentSchemas', coalesce(v_node -> 'dependentSchemas', '{}')
          || jsonb_build_object(v_key, v_value))
      end;
    end loop;
    v_node := v_node - 'dependencies';
  end if;
  foreach v_key in array array['Minimum', 'Maximum'] loop
    if jsonb_typeof(v_node -> ('exclusive' || v_key)) = 'boolean' then
      if (v_node -> ('exclusive' || v_key))::boolean and v_node ? lower(v_key) then
        v_node := v_node - lower(v_key)
          || jsonb_build_object('exclusive' || v_key, v_node -> lower(v_key));
      else
        v_node := v_node - ('exclusive' || v_key);
      end if;
    end if;
  end loop;

  for v_key, v_value in select k.key, k.value from jsonb_each(v_node) k loop
    if v_key in ('properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas')
      and jsonb_typeof(v_value) = 'object'
    then
      select
        coalesce(jsonb_object_agg(c.key, jobtable_internal.schema_modern(c.value, draft)), '{}')
      into v_value
      from jsonb_each(v_value) c;
    elsif v_key in ('allOf', 'anyOf', 'oneOf', 'prefixItems')
      and jsonb_typeof(v_value) = 'array'
    then
      select
        coalesce(jsonb_agg(jobtable_internal.schema_modern(c.value, draft) order by c.n), '[]')
      into v_value
      from jsonb_array_elements(v_value) with ordinality c (value, n);
    elsif v_key in ('additionalProperties', 'propertyNames', 'items', 'contains', 'not', 'if',
      'then', 'else')
    then
      v_value := jobtable_internal.schema_modern(v_value, draft);
    end if;
    v_node := v_node || jsonb_build_object(v_key, v_value);
  end loop;
  return v_node;
end
$$;
