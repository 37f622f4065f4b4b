-- What to do about a statement of more jobs than a quota allows.
create or replace function jobtable_internal.quota_hint(quota bigint) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when quota = 0 then 'The quota is in jobtable.owner_quota.'
    else format('Insert at most %s jobs at once.', quota) end
$$;
