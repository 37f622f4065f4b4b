-- How many milliseconds it is to the next job of the future: 0 if its time has come, null if there is
-- none.
create or replace function jobtable_internal.next_due() returns double precision
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select greatest(0, extract(epoch from d.at - jobtable_internal.clock()) * 1000)
  from (select q.at from jobtable_internal.due q order by q.at, q.id limit 1) d
  where isfinite(d.at)
$$;
