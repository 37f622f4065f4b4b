-- What schema_faults() finds by other schemas for the same value.
create or replace function jobtable_internal.schema_mixed_faults(
  plan jsonb, path text[], value jsonb, place text, depth integer
) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- More would be no help.
  c_most constant integer := 10;
  v_node constant jsonb := plan #> (array['root'] || path);
  v_faults text[] := '{}';
  v_keyword text;
  v_nearest text[];
  v_branch text[];
  v_misfit text[];
  v_misfits text[];
  v_meant integer;
  v_fitting integer;
begin
  if v_node ? '$ref' then
    v_faults := jobtable_internal.schema_faults(
      plan, jobtable_internal.schema_target(v_node ->> '$ref'), value, place, depth + 1);
  end if;
  for i in 0 .. jsonb_array_length(coalesce(v_node -> 'allOf', '[]')) - 1 loop
    v_faults := v_faults || jobtable_internal.schema_faults(
      plan, path || array['allOf', i::text], value, place, depth);
  end loop;
  foreach v_keyword in array array['anyOf', 'oneOf'] loop
    continue when not v_node ? v_keyword;
    v_fitting := 0;
    v_nearest := null;
    v_misfits := '{}';
    v_meant := 0;
    for i in 0 .. jsonb_array_length(v_node -> v_keyword) - 1 loop
      v_misfit := jobtable_internal.schema_misfit(
        plan, path || array[v_keyword, i::text], value, place, depth);
      v_branch := case when v_misfit <> '{}' then v_misfit else jobtable_internal.schema_faults(
        plan, path || array[v_keyword, i::text], value, place, depth) end;
      v_fitting := v_fitting + (v_branch = '{}')::integer;
      if v_nearest is null or (v_misfit <> '{}', cardinality(v_branch))
        < (v_meant = 0, cardinality(v_nearest))
      then
        v_nearest := v_branch;
      end if;
      v_meant := v_meant + (v_misfit = '{}')::integer;
      v_misfits := v_misfits
        || array(select format('%s (shape %s)', m, i + 1) from unnest(v_misfit) m);
    end loop;
    if v_fitting = 0 and v_meant = 1 then
      v_faults := v_faults || v_nearest;
    elsif v_fitting = 0 then
      v_faults := v_faults || jobtable_internal.fault(place,
        format('one of %s shapes', jsonb_array_length(v_node -> v_keyword)), value)
        || case
          -- Meant for none of them: what each would be told by.
          when v_meant = 0 and cardinality(v_misfits) <= c_most then v_misfits
          else array(select n || ' (nearest shape)' from unnest(v_nearest) n)
        end;
    elsif v_fitting > 1 and v_keyword = 'oneOf'
      and jobtable_internal.schema_is_decided(plan, path || array['oneOf'])
    then
      v_faults := v_faults || jobtable_internal.fault(place,
        format('exactly one of %s shapes', jsonb_array_length(v_node -> v_keyword)), value);
    end if;
  end loop;
  if v_node ? 'not' and jobtable_internal.schema_is_decided(plan, path || array['not'])
    and jobtable_internal.schema_faults(plan, path || array['not'], value, place, depth) = '{}'
  then
    v_faults := v_faults || jobtable_internal.fault(place, 'what "not" excludes', value);
  end if;
  if v_node ? 'if' and jobtable_internal.schema_is_decided(plan, path || array['if']) then
    v_keyword := case when jobtable_internal.schema_faults(
      plan, path || array['if'], value, place, depth) = '{}' then 'then' else 'else' end;
    if v_node ? v_keyword then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array[v_keyword], value, place, depth);
    end if;
  end if;
  return v_faults;
end
$$;
