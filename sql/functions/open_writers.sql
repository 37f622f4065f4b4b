-- The transactions that have made jobs claimable, or may have, and are still open. One of them may
-- have seen a promise to look and notifies nobody when it commits.
create or replace function jobtable_internal.open_writers() returns text[]
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(distinct l.virtualtransaction)
  from pg_locks l
  where l.locktype = 'relation' and l.mode = 'RowExclusiveLock'
    and l.pid is distinct from pg_backend_pid()
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and l.relation in ('jobtable_internal.ready'::regclass, 'jobtable_internal.due'::regclass)
$$;
