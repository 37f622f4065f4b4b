-- Before a DELETE of a worker's row: refused while jobs are held in its name, which nobody would
-- rescue.
create or replace function jobtable_internal.worker_guard_delete() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from jobtable_internal.claim c where c.worker = old.id) then
    raise exception using
      errcode = 'JT017',
      message = format('worker %s may hold jobs: its row cannot be deleted', old.id),
      hint = 'Stop the worker. If it is dead, the others rescue its jobs within seconds.';
  end if;
  return old;
end
$$;

create or replace trigger worker_guard_delete
before delete on jobtable.worker
for each row execute function jobtable_internal.worker_guard_delete();
