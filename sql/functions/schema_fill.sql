-- A SQL expression that fills the missing properties of the object `value` with the defaults of the
-- schema at a path, also those of objects within it; null if there are none. A default is filled in
-- if SQL can tell that it fits; others are left to the executor.
create or replace function jobtable_internal.schema_fill(plan jsonb, path text[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan -> 'root' #> path;
  v_defaults jsonb := '{}';
  v_within text := '';
  v_key text;
  v_child jsonb;
  v_field text;
begin
  if jsonb_typeof(v_node -> 'properties') is distinct from 'object' then
    return null;
  end if;
  for v_key, v_child in select p.key, p.value from jsonb_each(v_node -> 'properties') p loop
    if v_child ? 'default' and jobtable_internal.schema_takes_default(
      plan, path || array['properties', v_key])
    then
      v_defaults := v_defaults || jsonb_build_object(v_key, v_child -> 'default');
    end if;
    if jobtable_internal.schema_fill(plan, path || array['properties', v_key]) is not null then
      v_field := format('jsonb_object_field(value, %L)', v_key);
      v_within := v_within || format(
        ' || case when %1$s is null then ''{}'' else jsonb_build_object(%2$L, '
          'jobtable_internal.%3$I(%1$s)) end',
        v_field, v_key, replace(plan ->> 'prefix', 'check_', 'fill_')
          || (plan -> 'units' ->> (path || array['properties', v_key])::text));
    end if;
  end loop;
  if v_defaults = '{}' and v_within = '' then
    return null;
  end if;
  return format(
    'case when jsonb_typeof(value) = ''object'' then %L::jsonb || value%s else value end',
    v_defaults, v_within);
end
$$;
