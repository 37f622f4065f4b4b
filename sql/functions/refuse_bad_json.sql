-- Raises JT002 unless payload and properties are JSON objects.
create or replace function jobtable_internal.refuse_bad_json(job jobtable.job) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text;
  v_kind text;
begin
  if jsonb_typeof(job.payload) <> 'object' then
    v_column := 'payload';
    v_kind := jsonb_typeof(job.payload);
  elsif jsonb_typeof(job.properties) <> 'object' then
    v_column := 'properties';
    v_kind := jsonb_typeof(job.properties);
  else
    return;
  end if;
  raise exception using
    errcode = 'JT002',
    message = format('the %s of a job must be a JSON object, not %s %s', v_column,
      case when v_kind in ('array') then 'an' else 'a' end, v_kind),
    detail = format('Type "%s".', job.type),
    hint = 'Wrap the value: {"value": …}. For JSON null, leave the column out.';
end
$$;
