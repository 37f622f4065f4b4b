-- A SQL expression that tells whether a value fits the schema at a path: true or false, null only
-- if the value is SQL's null. `plan` is what schema_plan() found out about the whole document;
-- schemas with a function of their own are called, the others are written out.
create or replace function jobtable_internal.schema_expression(
  plan jsonb, path text[], value text, depth text
) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node constant jsonb := plan #> (array['root'] || path);
  v_unit constant text := plan -> 'units' ->> path::text;
begin
  return case
    when jsonb_typeof(v_node) = 'boolean' then v_node::text
    when v_unit is not null then format('jobtable_internal.%I(%s, %s)',
      (plan ->> 'prefix') || v_unit, value, depth)
    else jobtable_internal.schema_body(plan, path, value, depth)
  end;
end
$$;
