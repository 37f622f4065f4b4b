-- After a type's schema of payloads has changed: compiles it, and after all of the statement's has
-- the dispatchers made anew. The
-- functions of the schema before stay until the next change: a statement that runs may be in the
-- midst of them.
create or replace function jobtable_internal.job_type_schema() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_set text;
begin
  if tg_level = 'STATEMENT' then
    if current_setting('jobtable.schemas', true) = 'changed' then
      v_set := set_config('jobtable.schemas', '', true);
      perform jobtable_internal.make_dispatchers();
    end if;
    return null;
  end if;
  if tg_op = 'DELETE' then
    delete from jobtable_internal.declared_schema d where d.type_id = old.id;
    if old.payload_version > 0 then
      perform jobtable_internal.drop_checks(old.id, old.payload_version);
      v_set := set_config('jobtable.schemas', 'changed', true);
    end if;
    return null;
  end if;
  if tg_op = 'UPDATE' and new.payload_version = old.payload_version or new.payload_version = 0 then
    return null;
  end if;
  if new.payload_schema is not null then
    perform jobtable_internal.compile_schema(new.id, new.payload_version, new.payload_schema);
  end if;
  perform jobtable_internal.drop_checks(new.id, new.payload_version - 2);
  v_set := set_config('jobtable.schemas', 'changed', true);
  return null;
end
$$;

create or replace trigger job_type_schema
after insert or update or delete on jobtable.job_type
for each row execute function jobtable_internal.job_type_schema();

create or replace trigger job_type_schemas
after insert or update or delete on jobtable.job_type
for each statement execute function jobtable_internal.job_type_schema();
