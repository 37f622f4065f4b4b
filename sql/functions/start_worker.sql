-- A worker's row, and its number.
create or replace function jobtable_internal.start_worker(
  host text, pid integer, version text, types text[], capacity integer
) returns bigint
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into jobtable.worker (host, pid, version, types, capacity, started_at, seen_at)
  select host, pid, version, types, capacity, c.now, c.now
  from (select jobtable_internal.clock() as now) c
  returning id
$$;
