-- That in which a value does not fit the schema at a path, a line each: all, or a few more than
-- most_faults(). It walks through the schema, runs each of schema_tests() by itself, and takes a
-- hundred times as long as the compiled check: it is for refusals. Where the two disagree, the
-- compiled check decides.
create or replace function jobtable_internal.schema_faults(
  plan jsonb, path text[], value jsonb, place text, depth integer
) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan #> (array['root'] || path);
  v_types constant text[] := jobtable_internal.schema_types(v_node);
  v_kind constant text := jsonb_typeof(value);
  v_faults text[] := '{}';
  v_test text;
  v_expected text;
  v_fits boolean;
begin
  if v_node = 'true' or depth > 64 then
    return v_faults;
  elsif v_node = 'false' then
    return array[jobtable_internal.fault(place, 'nothing', value)];
  elsif not v_kind = any (v_types)
    and not (v_kind = 'number' and 'integer' = any (v_types))
  then
    return array[jobtable_internal.fault(place, array_to_string(v_types, ' or '), value)];
  end if;
  for v_test, v_expected in
    select t.test, t.expected
    from jobtable_internal.schema_tests(v_node, '$1', (plan ->> 'ecma')::boolean) t
    where t.kind in (v_kind, 'any')
  loop
    execute 'select ' || v_test into v_fits using value;
    if not v_fits then
      v_faults := v_faults || jobtable_internal.fault(place, v_expected, value);
    end if;
  end loop;
  if v_kind = 'object' then
    v_faults := v_faults || jobtable_internal.schema_object_faults(plan, path, value, place, depth);
  elsif v_kind = 'array' then
    v_faults := v_faults || jobtable_internal.schema_array_faults(plan, path, value, place, depth);
  end if;
  return v_faults || jobtable_internal.schema_mixed_faults(plan, path, value, place, depth);
end
$$;
