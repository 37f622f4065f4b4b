-- Before a job type is written: keeps apart what its executor declares and what an operator has
-- set. Declared columns become as declared, but for those in overrides; and each that differs then,
-- whoever made it so, is in overrides. For every column there is: none is named here.
create or replace function jobtable_internal.job_type_declare() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Through the types of the columns: '24:00' is '24:00:00'.
  v_declared constant jsonb :=
    to_jsonb(jsonb_populate_record(null::jobtable.job_type, new.declared));
  v_is jsonb;
begin
  if tg_op = 'INSERT' or new.declared <> old.declared or new.overrides <> old.overrides then
    new := jsonb_populate_record(new, new.declared - new.overrides);
  end if;
  v_is := to_jsonb(new);
  new.overrides := array(
    select d.name
    from jsonb_object_keys(new.declared) as d (name)
    where v_is -> d.name <> v_declared -> d.name
    order by d.name
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
