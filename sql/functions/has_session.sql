-- Whether the session in which a worker listens is there, by its application_name, which every role
-- may see.
create or replace function jobtable_internal.has_session(worker bigint) returns boolean
language sql volatile
return exists (
  select
  from pg_stat_activity a
  where a.datname = current_database() and a.application_name = 'jobtable:listen:' || worker
);
