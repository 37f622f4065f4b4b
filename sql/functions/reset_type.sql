create or replace function jobtable.reset_type(name text, "column" name default null) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_declared jsonb;
begin
  update jobtable.job_type t
  set overrides = case
    when "column" is null then '{}'
    else array_remove(t.overrides, "column"::text)
  end
  where t.name = reset_type.name
  returning t.declared into v_declared;
  if not found then
    perform jobtable_internal.refuse_unknown_type(name);
  end if;
  if "column" <> 'payload_schema' and not v_declared ? "column"::text then
    raise exception using
      errcode = 'JT027',
      message = format('the executor of job type "%s" declares no column "%s"', name, "column"),
      detail = format('It declares: %s.', coalesce(
        (select string_agg(k, ', ' order by k) from jsonb_object_keys(v_declared) k), 'nothing'
      )),
      hint = case
        when exists (
          select
          from pg_attribute a
          where a.attrelid = 'jobtable.job_type'::regclass and a.attname = "column"
            and a.attnum > 0 and not a.attisdropped
        ) then 'Set the column by UPDATE.'
        else 'Name a column that it declares, or payload_schema.'
      end;
  end if;
end
$$;

comment on function jobtable.reset_type(text, name) is
  'Takes back what an operator has set: the type''s columns are as its executor declares them.

The payload_schema is the newest that executors have declared; null if none has.
column: only this one (default null: all). Errors: JT001 (no such type), JT027 (the executor
declares no such column).';
