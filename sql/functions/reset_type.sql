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
      hint = 'Set the column by UPDATE.';
  end if;
end
$$;

comment on function jobtable.reset_type(text, name) is
  'Takes back what an operator has set: the type''s columns are as its executor declares them.

The payload_schema is the newest that executors have declared; null if none has.
column: only this one (default null: all). Errors: JT001 (no such type), JT027 (the executor
declares no such column).';
