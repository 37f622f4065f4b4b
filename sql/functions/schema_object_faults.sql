-- What schema_faults() finds in the keys of an object.
create or replace function jobtable_internal.schema_object_faults(
  plan jsonb, path text[], value jsonb, place text, depth integer
) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ecma constant boolean := (plan ->> 'ecma')::boolean;
  v_node constant jsonb := plan #> (array['root'] || path);
  v_properties constant jsonb := coalesce(v_node -> 'properties', '{}');
  v_faults text[] := '{}';
  v_place text;
  v_key text;
  v_item jsonb;
  v_pattern text;
  v_posix text;
  v_known boolean;
begin
  for v_key in
    select r.key
    from jsonb_array_elements_text(coalesce(v_node -> 'required', '[]')) with ordinality r (key, n)
    where not value ? r.key
    order by r.n
  loop
    v_faults := v_faults || jobtable_internal.fault(
      jobtable_internal.fault_place(place, v_key),
      coalesce(array_to_string(jobtable_internal.schema_types(v_properties -> v_key), ' or '),
        'a value'), null);
  end loop;
  for v_key, v_item in select e.key, e.value from jsonb_each(value) e loop
    if cardinality(v_faults) > jobtable_internal.most_faults() then
      return v_faults;
    end if;
    v_place := jobtable_internal.fault_place(place, v_key);
    v_known := v_properties ? v_key;
    if v_known then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array['properties', v_key], v_item, v_place, depth);
    end if;
    for v_pattern in select jsonb_object_keys(coalesce(v_node -> 'patternProperties', '{}')) loop
      v_posix := jobtable_internal.posix_pattern(v_pattern, v_ecma);
      if v_posix is null then
        v_known := true;
      elsif (case when v_ecma then jobtable_internal.code_units(v_key) else v_key end)
        ~ v_posix collate "C"
      then
        v_known := true;
        v_faults := v_faults || jobtable_internal.schema_faults(
          plan, path || array['patternProperties', v_pattern], v_item, v_place, depth);
      end if;
    end loop;
    if v_ecma and v_key = '__proto__' and v_node -> 'additionalProperties' is distinct from 'false'
    then
      continue;
    end if;
    if not v_known and v_node -> 'additionalProperties' = 'false' then
      v_faults := v_faults || jobtable_internal.fault(v_place, 'no such property', v_item);
    elsif not v_known and v_node ? 'additionalProperties' then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array['additionalProperties'], v_item, v_place, depth);
    end if;
    if v_node ? 'propertyNames' then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array['propertyNames'], to_jsonb(v_key), v_place || ' (its name)', depth);
    end if;
  end loop;
  for v_key in
    select r.key
    from jsonb_each(coalesce(v_node -> 'dependentRequired', '{}')) d
    cross join lateral jsonb_array_elements_text(d.value) r (key)
    where schema_object_faults.value ? d.key and not schema_object_faults.value ? r.key
  loop
    v_faults := v_faults || jobtable_internal.fault(
      jobtable_internal.fault_place(place, v_key), 'a value beside the others', null);
  end loop;
  for v_key in select jsonb_object_keys(coalesce(v_node -> 'dependentSchemas', '{}')) loop
    if value ? v_key then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array['dependentSchemas', v_key], value, place, depth);
    end if;
  end loop;
  return v_faults;
end
$$;
