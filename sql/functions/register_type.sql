-- Makes a job type known, or brings its row up to date, and tells its id. `declared` is what the
-- executor says, column name to value; job_type_declare makes columns of it. A schema of payloads
-- is taken if no worker has declared it before: see declare_schema(). Unchanged rows are not
-- written, so that a thousand workers can start at once.
create or replace function jobtable_internal.register_type(
  name text, declared jsonb, payload_schema jsonb
) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id integer;
begin
  select t.id into v_id
  from jobtable.job_type t
  where t.name = register_type.name and t.declared = register_type.declared;
  if not found then
    insert into jobtable.job_type as t (name, declared)
    values (register_type.name, register_type.declared)
    on conflict on constraint job_type_pkey do update
    set declared = excluded.declared, updated_at = jobtable_internal.clock()
    returning t.id into v_id;
  end if;
  if not jobtable_internal.is_declared(v_id, payload_schema) then
    perform jobtable_internal.declare_schema(v_id, payload_schema);
  end if;
  return v_id;
end
$$;
