-- Whether what jobs have told can be written to a table: not while somebody has locked that or the
-- jobs' table. It waits for as long as its caller's lock_timeout.
create or replace function jobtable_internal.may_tell(facet regclass) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table jobtable.job in row share mode;
  execute format('lock table %s in row exclusive mode', facet);
  return true;
exception when lock_not_available then
  return false;
end
$$;
