-- The workers in whose sessions notifications arrive, as text, by their application_name, which
-- every role may see. It reads all sessions of the server: to be asked once, not for each worker.
create or replace function jobtable_internal.listeners() returns text[]
language sql volatile
return array(
  select split_part(a.application_name, ':', 3)
  from pg_stat_activity a
  where a.datname = current_database() and a.application_name like 'jobtable:listen:%'
);
