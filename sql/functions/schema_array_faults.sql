-- What schema_faults() finds in the items of an array.
create or replace function jobtable_internal.schema_array_faults(
  plan jsonb, path text[], value jsonb, place text, depth integer
) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan #> (array['root'] || path);
  v_prefix constant integer := jsonb_array_length(coalesce(v_node -> 'prefixItems', '[]'));
  v_least constant numeric := coalesce((v_node -> 'minContains')::numeric, 1);
  v_most constant numeric := (v_node -> 'maxContains')::numeric;
  v_faults text[] := '{}';
  v_found integer := 0;
  v_item jsonb;
  i integer;
begin
  for v_item, i in
    select a.item, a.n - 1 from jsonb_array_elements(value) with ordinality a (item, n)
  loop
    if cardinality(v_faults) > jobtable_internal.most_faults() then
      return v_faults;
    end if;
    if i < v_prefix then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array['prefixItems', i::text], v_item, format('%s[%s]', place, i), depth);
    elsif v_node ? 'items' then
      v_faults := v_faults || jobtable_internal.schema_faults(
        plan, path || array['items'], v_item, format('%s[%s]', place, i), depth);
    end if;
    if v_node ? 'contains' then
      v_found := v_found + (cardinality(jobtable_internal.schema_faults(
        plan, path || array['contains'], v_item, place, depth)) = 0)::integer;
    end if;
  end loop;
  if v_node ? 'contains' and (v_found < v_least or v_found > v_most
    and jobtable_internal.schema_is_decided(plan, path || array['contains']))
  then
    v_faults := v_faults || jobtable_internal.fault(place,
      format('%s%s items that fit "contains"', 'at least ' || v_least,
        coalesce(' and at most ' || v_most, '')), value);
  end if;
  return v_faults;
end
$$;
