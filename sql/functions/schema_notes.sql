--! requires: schema_keywords
-- The keywords that say nothing about a value.
create or replace function jobtable_internal.schema_notes() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(k.keyword) from jobtable_internal.schema_keywords() k where k.role = 'note'
$$;
