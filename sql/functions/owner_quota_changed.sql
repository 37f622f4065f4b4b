-- After a change of quotas: what was counted before may have holes, so all is counted anew.
create or replace function jobtable_internal.owner_quota_changed() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update jobtable_internal.turn set unfinished = null, lowest = 0;
  perform jobtable_internal.arm_quotas();
  return null;
end
$$;

create or replace trigger owner_quota_changed
after insert or update or delete or truncate on jobtable.owner_quota
for each statement execute function jobtable_internal.owner_quota_changed();
