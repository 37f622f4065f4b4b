-- Why a glance tells that a value is not meant for the schema at a path, a line each; nothing if it
-- may be.
create or replace function jobtable_internal.schema_misfit(
  plan jsonb, path text[], value jsonb, place text, depth integer
) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_glance constant jsonb := jobtable_internal.schema_glance(plan -> 'root', path);
  v_path constant text[] := array(select jsonb_array_elements_text(v_glance -> 'path'));
  v_faults text[] := '{}';
  v_key text;
begin
  if v_glance -> 'types' <> 'null' and not v_glance -> 'types' ? jsonb_typeof(value) then
    return array[jobtable_internal.fault(place, array_to_string(
      jobtable_internal.schema_types(plan -> 'root' #> v_path), ' or '), value)];
  end if;
  for v_key in select jsonb_object_keys(v_glance -> 'keys') loop
    v_faults := v_faults || case
      when value ? v_key then jobtable_internal.schema_faults(
        plan, v_path || array['properties', v_key], value -> v_key,
        jobtable_internal.fault_place(place, v_key), depth)
      else array[jobtable_internal.fault(
        jobtable_internal.fault_place(place, v_key), 'a value', null)]
    end;
  end loop;
  return v_faults;
end
$$;
