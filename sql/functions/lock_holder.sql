-- The session whose open transaction has locked the row of a job, or null. Found without locking
-- it: the row names the last transaction that did.
create or replace function jobtable_internal.lock_holder(job bigint) returns integer
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select l.pid
  from jobtable.job j
  join pg_catalog.pg_locks l on l.transactionid = j.xmax
  where j.id = lock_holder.job and l.locktype = 'transactionid' and l.granted
    and l.pid <> pg_backend_pid()
$$;
