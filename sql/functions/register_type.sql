-- Makes a job type known, or brings its row up to date, and tells its id. Unchanged rows are not
-- written, so that a thousand workers can start at once.
create or replace function jobtable_internal.register_type(
  name text, description text, priority smallint, retention interval, failed_retention interval
) returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id integer;
begin
  select t.id into v_id
  from jobtable.job_type t
  where t.name = register_type.name
    and (t.description, t.priority, t.retention, t.failed_retention) is not distinct from
      (register_type.description, register_type.priority, register_type.retention,
       register_type.failed_retention);
  if not found then
    insert into jobtable.job_type as t (name, description, priority, retention, failed_retention)
    values (register_type.name, register_type.description, register_type.priority,
      register_type.retention, register_type.failed_retention)
    on conflict on constraint job_type_pkey do update
    set description = excluded.description,
      priority = excluded.priority,
      retention = excluded.retention,
      failed_retention = excluded.failed_retention,
      updated_at = jobtable_internal.clock()
    returning t.id into v_id;
  end if;
  return v_id;
end
$$;
