-- Whether SQL decides all of the schema at a path. If it does not, a value that seems to fit it may
-- still not do so, which matters wherever not fitting is what is wanted.
create or replace function jobtable_internal.schema_is_decided(plan jsonb, path text[])
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_array_length(plan -> 'undecided') = 0 or not (
    exists (
      select from jsonb_array_elements(plan -> 'undecided') u
      where ((u.value ->> 'path')::text[])[1 : cardinality(path)] = path
    )
    -- What it refers to may hold it.
    or plan -> 'root' #> path @? '$.**."$ref"'
  )
$$;
