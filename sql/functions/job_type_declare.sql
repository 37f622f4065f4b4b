-- Before a job type is written: keeps apart what its executor declares and what an operator has
-- set. Declared columns become as declared, but for those in overrides; and each that differs then,
-- whoever made it so, is in overrides. For every column but those that are not declared here: the
-- queue's own, and the schema of payloads, which has a guard and a history of its own. That is an
-- operator's once anybody but a worker's registration has changed it, and in overrides for as long.
create or replace function jobtable_internal.job_type_declare() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_declared jsonb;
  v_is jsonb;
begin
  new.declared := new.declared - '{
    id, name, declared, overrides, created_at, updated_at,
    payload_schema, payload_schema_source, payload_version, payload_undecided
  }'::text[];
  -- Through the types of the columns: '24:00' is '24:00:00'.
  v_declared := to_jsonb(jsonb_populate_record(null::jobtable.job_type, new.declared));
  if tg_op = 'INSERT' or new.declared <> old.declared or new.overrides <> old.overrides then
    new := jsonb_populate_record(new, new.declared - new.overrides);
  end if;
  if 'payload_schema' = any (old.overrides) and 'payload_schema' <> all (new.overrides) then
    new.payload_schema_source := 'code';
  elsif new.payload_schema is distinct from old.payload_schema
    and new.payload_schema_source = coalesce(old.payload_schema_source, new.payload_schema_source)
    and not jobtable_internal.is_queue_writing()
  then
    new.payload_schema_source := 'operator';
  end if;
  v_is := to_jsonb(new);
  new.overrides := array(
    select d.name
    from jsonb_object_keys(new.declared) as d (name)
    where v_is -> d.name <> v_declared -> d.name
    union all
    select 'payload_schema'
    where new.payload_schema_source = 'operator'
    order by 1
  );
  if new.max_running is not null then
    perform jobtable_internal.refuse_unsupported('max_running');
  end if;
  return new;
end
$$;

create or replace trigger job_type_declare
before insert or update on jobtable.job_type
for each row execute function jobtable_internal.job_type_declare();
