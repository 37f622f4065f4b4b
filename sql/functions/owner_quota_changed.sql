-- After a change of quotas: what was counted of their owners before may have holes, so it is
-- counted anew. An owner whose transaction is open keeps its turn: that is waited for, briefly.
create or replace function jobtable_internal.owner_quota_changed() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_owners text[];
begin
  if tg_op = 'INSERT' then
    v_owners := array(select a.owner from after_rows a);
  elsif tg_op = 'UPDATE' then
    v_owners := array(select a.owner from after_rows a union select b.owner from before_rows b);
  elsif tg_op = 'DELETE' then
    v_owners := array(select b.owner from before_rows b);
  end if;
  -- In the order in which job_quota takes them.
  update jobtable_internal.turn t
  set unfinished = null, lowest = 0
  from (
    select o.owner
    from jobtable_internal.turn o
    where v_owners is null or o.owner = any (v_owners) or '*' = any (v_owners) and not exists (
      select from jobtable.owner_quota q where q.owner = o.owner
    )
    order by o.owner
    for no key update
  ) l
  where t.owner = l.owner;
  perform jobtable_internal.arm_quotas();
  return null;
end
$$;

create or replace trigger owner_quota_changed_insert
after insert on jobtable.owner_quota
referencing new table as after_rows
for each statement execute function jobtable_internal.owner_quota_changed();

create or replace trigger owner_quota_changed_update
after update on jobtable.owner_quota
referencing old table as before_rows new table as after_rows
for each statement execute function jobtable_internal.owner_quota_changed();

create or replace trigger owner_quota_changed_delete
after delete on jobtable.owner_quota
referencing old table as before_rows
for each statement execute function jobtable_internal.owner_quota_changed();

create or replace trigger owner_quota_changed_truncate
after truncate on jobtable.owner_quota
for each statement execute function jobtable_internal.owner_quota_changed();
