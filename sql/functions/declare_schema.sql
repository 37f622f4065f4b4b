-- Takes the schema of payloads that an executor declares, unless one has declared it before: the
-- last new one counts. So workers of two versions do not take turns, and an old one that starts
-- again changes nothing. While an operator's is in force, the declared one is only remembered. The
-- last hundred are: an executor may declare another at each start.
create or replace function jobtable_internal.declare_schema(type_id integer, schema jsonb)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
as $$
declare
  c_kept constant integer := 100;
  v_n integer;
  v_set text;
begin
  perform jobtable_internal.lock_schemas();
  if jobtable_internal.is_declared(type_id, schema) then
    return;
  end if;
  insert into jobtable_internal.declared_schema (type_id, n, schema)
  select declare_schema.type_id, coalesce(max(d.n), 0) + 1, declare_schema.schema
  from jobtable_internal.declared_schema d
  where d.type_id = declare_schema.type_id
  returning n into v_n;
  delete from jobtable_internal.declared_schema d
  where d.type_id = declare_schema.type_id and d.n <= v_n - c_kept;
  v_set := jobtable_internal.write_as_queue();
  update jobtable.job_type t
  set payload_schema = declare_schema.schema,
    updated_at = jobtable_internal.clock()
  where t.id = declare_schema.type_id and t.payload_schema_source = 'code'
    and t.payload_schema is distinct from declare_schema.schema;
  v_set := set_config('jobtable.writer', '', true);
end
$$;
