-- Before a type's schema of payloads changes: it must be understood, gets a number, and what SQL
-- cannot decide of it is listed. It goes by job_type_declare, which tells whose it is.
create or replace function jobtable_internal.job_type_schema_guard() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
as $$
declare
  v_plan jsonb;
begin
  if tg_level = 'STATEMENT' then
    -- Before the rows: registrations take the two locks in this order.
    perform jobtable_internal.lock_schemas();
    return null;
  end if;
  if (new.payload_version, new.payload_undecided) is distinct from (
    coalesce(old.payload_version, 0), coalesce(old.payload_undecided, '[]')
  ) then
    raise exception using
      errcode = 'JT004',
      message = 'payload_version and payload_undecided are written by the queue alone',
      detail = format('Job type "%s".', new.name),
      hint = 'Leave the columns out; they follow payload_schema.';
  end if;
  if tg_op = 'UPDATE' then
    if old.payload_schema_source = 'operator' and new.payload_schema_source = 'code' then
      new.payload_schema := (
        select d.schema from jobtable_internal.declared_schema d
        where d.type_id = new.id
        order by d.n desc limit 1
      );
    end if;
    if new.payload_schema is not distinct from old.payload_schema then
      return new;
    end if;
  elsif new.payload_schema is null then
    return new;
  end if;

  new.payload_version := new.payload_version + 1;
  new.payload_undecided := '[]';
  if new.payload_schema is not null then
    v_plan := jobtable_internal.schema_modern(
      new.payload_schema, coalesce(new.payload_schema ->> '$schema', ''));
    perform jobtable_internal.schema_check(new.name, v_plan);
    if new.payload_schema = 'false'
      or not 'object' = any (jobtable_internal.schema_types(new.payload_schema))
    then
      perform jobtable_internal.refuse_schema(
        new.name, '{}', null, 'takes no object, which every payload is');
    end if;
    v_plan := jobtable_internal.schema_plan(new.payload_schema, '');
    new.payload_undecided := (
      select coalesce(jsonb_agg(jsonb_build_object(
        'at', jobtable_internal.schema_pointer((u.value ->> 'path')::text[]),
        'keyword', u.value -> 'keyword', 'why', u.value -> 'why') order by u.n), '[]')
      from jsonb_array_elements(v_plan -> 'undecided') with ordinality u (value, n)
    );
  end if;
  return new;
end
$$;

create or replace trigger job_type_schema_lock
before insert or update of payload_schema, payload_schema_source, overrides or delete
on jobtable.job_type
for each statement execute function jobtable_internal.job_type_schema_guard();

create or replace trigger job_type_schema_guard
before insert
or update of
  payload_schema, payload_schema_source, overrides, payload_version, payload_undecided
on jobtable.job_type
for each row execute function jobtable_internal.job_type_schema_guard();
