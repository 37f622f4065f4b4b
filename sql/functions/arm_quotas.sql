--! requires: job_quota
-- Has the triggers of job_quota enabled while there are quotas, and only then: without any, an
-- INSERT and a worker's UPDATE pay nothing for them, and before the first there are none.
create or replace function jobtable_internal.arm_quotas() returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_wanted constant "char" := case
    when exists (select from jobtable.owner_quota) then 'O' else 'D' end;
  v_trigger name;
begin
  if v_wanted = 'O' and not exists (
    select from pg_trigger t
    where t.tgrelid = 'jobtable.job'::regclass and t.tgname = 'job_quota_insert'
  ) then
    create trigger job_quota_insert
    after insert on jobtable.job
    referencing new table as inserted
    for each statement execute function jobtable_internal.job_quota();
    create trigger job_quota_resubmit
    after update on jobtable.job
    for each row
    when (old.status in ('completed', 'failed', 'cancelled') and new.status = 'new')
    execute function jobtable_internal.job_quota();
  end if;
  -- To drop one would wait for whoever reads the table.
  for v_trigger in
    select t.tgname
    from pg_trigger t
    where t.tgrelid = 'jobtable.job'::regclass and t.tgname like 'job\_quota\_%'
      and t.tgenabled <> v_wanted
  loop
    execute format('alter table jobtable.job %s trigger %I',
      case v_wanted when 'O' then 'enable' else 'disable' end, v_trigger);
  end loop;
  if v_wanted = 'O' then
    perform jobtable_internal.build_owner_index();
  end if;
end
$$;
