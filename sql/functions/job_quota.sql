-- After an INSERT of jobs, and for each job that runs again: counts them against the quotas of
-- their owners. arm_quotas makes its triggers, and enables them while there are quotas.
create or replace function jobtable_internal.job_quota() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v record;
begin
  if tg_op = 'UPDATE' then
    perform jobtable_internal.use_quota(new.owner, array[new.id]);
    return null;
  end if;
  -- In one order, lest two statements wait for each other.
  for v in
    select i.owner, array_agg(i.id) as ids
    from inserted i
    group by i.owner
    order by i.owner
  loop
    perform jobtable_internal.use_quota(v.owner, v.ids);
  end loop;
  return null;
end
$$;
