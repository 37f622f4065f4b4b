-- A job finds its type by name and its lane by the type's id: neither changes, and a type goes only
-- when no job of it is left. The table lock keeps a job from being inserted in between.
create or replace function jobtable_internal.job_type_guard() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_jobs bigint;
begin
  if tg_op = 'UPDATE' then
    raise exception using
      errcode = 'JT009',
      message = format('the name of job type "%s" is fixed', old.name),
      hint = 'Register an executor under the new name.';
  end if;
  lock table jobtable.job in share row exclusive mode;
  -- Under that lock the counts are exact, and no job need be read.
  select sum(c.count) into v_jobs from jobtable.job_counts c where c.type = old.name;
  if v_jobs > 0 then
    raise exception using
      errcode = 'JT016',
      message = format('job type "%s" is in use: it has jobs (%s)', old.name, v_jobs),
      hint = 'Delete its jobs first.';
  end if;
  delete from jobtable_internal.finished f where f.type_id = old.id;
  delete from jobtable_internal.tally c where c.type_id = old.id;
  delete from jobtable_internal.ready q
  where q.lane between jobtable_internal.lane(old.id, (-32768)::smallint)
    and jobtable_internal.lane(old.id, 32767::smallint);
  return old;
end
$$;

create or replace trigger job_type_guard_update
before update on jobtable.job_type
for each row
when (new.name is distinct from old.name or new.id is distinct from old.id)
execute function jobtable_internal.job_type_guard();

create or replace trigger job_type_guard_delete
before delete on jobtable.job_type
for each row execute function jobtable_internal.job_type_guard();
