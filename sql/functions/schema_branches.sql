--! requires: schema_expression
-- The expressions of the schemas listed under a keyword.
create or replace function jobtable_internal.schema_branches(
  plan jsonb, path text[], keyword text, value text, depth text
) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(jobtable_internal.schema_expression(
    plan, path || array[keyword, (b.n - 1)::text], value, depth) order by b.n)
  from jsonb_array_elements(plan -> 'root' #> path -> keyword) with ordinality b (branch, n)
$$;
