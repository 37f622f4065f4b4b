-- A path within a schema as a JSON pointer, for people.
create or replace function jobtable_internal.schema_pointer(path text[]) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select '#' || coalesce(
    string_agg('/' || replace(replace(p.step, '~', '~0'), '/', '~1'), '' order by p.n), '')
  from unnest(path) with ordinality p (step, n)
$$;
