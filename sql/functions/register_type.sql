-- Makes a job type known, or brings its row up to date, and tells its id. Unchanged rows are not
-- written, so that a thousand workers can start at once. `declared` holds columns of job_type by
-- name, as the executor says them; what it does not name stays as it is.
create or replace function jobtable_internal.register_type(name text, declared jsonb)
returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type jobtable.job_type;
  v_new jobtable.job_type;
begin
  select t.* into v_type from jobtable.job_type t where t.name = register_type.name;
  if not found then
    insert into jobtable.job_type (name) values (register_type.name)
    on conflict do nothing;
    select t.* into v_type from jobtable.job_type t where t.name = register_type.name;
  end if;
  v_new := jsonb_populate_record(v_type, declared);
  if v_new is distinct from v_type then
    update jobtable.job_type t
    set description = v_new.description,
      priority = v_new.priority,
      max_attempts = v_new.max_attempts,
      timeout = v_new.timeout,
      backoff = v_new.backoff,
      backoff_delay = v_new.backoff_delay,
      backoff_limit = v_new.backoff_limit,
      backoff_jitter = v_new.backoff_jitter,
      retention = v_new.retention,
      failed_retention = v_new.failed_retention,
      updated_at = jobtable_internal.clock()
    where t.name = register_type.name;
  end if;
  return v_type.id;
end
$$;
