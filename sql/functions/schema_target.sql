--! requires: percent_decoded
-- The path that a `$ref` within the document means; null if it points elsewhere.
create or replace function jobtable_internal.schema_target(ref text) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when ref = '#' then '{}'::text[]
    when ref like '#/%' then (
      select array_agg(
        replace(replace(jobtable_internal.percent_decoded(s.step), '~1', '/'), '~0', '~')
        order by s.n)
      from string_to_table(substr(ref, 3), '/') with ordinality s (step, n)
    )
  end
$$;
