-- After a change of quotas: whose unfinished jobs were not limited before, or are not any more, is
-- counted anew. An owner whose transaction is open keeps its turn: that is waited for, briefly.
create or replace function jobtable_internal.owner_quota_changed() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_owners text[];
  v_anew text[];
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using
      errcode = '25001',
      message = format('quotas cannot be changed at isolation level %s',
        current_setting('transaction_isolation')),
      detail = 'Jobs that were inserted since the transaction began would never be counted.',
      hint = 'Begin with: begin transaction isolation level read committed';
  end if;
  perform jobtable_internal.arm_quotas();
  if tg_op = 'INSERT' then
    v_owners := array(select a.owner from after_rows a);
  elsif tg_op = 'UPDATE' then
    v_owners := array(select a.owner from after_rows a union select b.owner from before_rows b);
    v_anew := array(
      select c.owner
      from (
        select a.owner, a.max_unfinished is null as is_open from after_rows a
        union all
        select b.owner, b.max_unfinished is null from before_rows b
      ) c
      group by c.owner, c.is_open
      having count(*) = 1
    );
  elsif tg_op = 'DELETE' then
    v_owners := array(select b.owner from before_rows b);
  end if;
  -- In the order in which job_quota takes them, and makes those that are missing. An update, so
  -- that whose snapshot has the quotas from before gets 40001.
  insert into jobtable_internal.turn (owner)
  select t.owner
  from (select t.owner from jobtable_internal.turn t union select unnest(v_owners)) t
  where v_owners is null or t.owner = any (v_owners) or '*' = any (v_owners) and not exists (
    select from jobtable.owner_quota q where q.owner = t.owner
  )
  order by t.owner
  on conflict on constraint turn_pkey do update set unfinished = turn.unfinished;
  perform jobtable_internal.count_anew(coalesce(v_anew, v_owners));
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
