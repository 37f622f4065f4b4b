create or replace function jobtable.disable_isolation() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
  if (jobtable_internal.isolated()).enabled then
    perform jobtable_internal.lift_isolation();
    update jobtable_internal.isolation set enabled = false, policies_hash = null;
    if not exists (select from jobtable.owner_quota) then
      drop index if exists jobtable.job_owner_idx;
    end if;
  end if;
end
$$;

comment on function jobtable.disable_isolation() is
  'Ends what jobtable.enable_isolation() began: drops policies, takes back all rights.

Otherwise each role would see the jobs of all owners. The roles stay, and are taken again by the
next enable_isolation(). Drops the index job_owner_idx unless there are quotas. Only for the owner
of the schema. Errors: 55P03 (the job table is locked for longer than 2 seconds; try again).';
