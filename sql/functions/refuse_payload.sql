-- Raises JT002 with that in which a payload does not fit the schema of its type. `whose` is the row
-- or the job.
create or replace function jobtable_internal.refuse_payload(type text, payload jsonb, whose text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  c_most constant integer := jobtable_internal.most_faults();
  v_made regprocedure;
  v_plan jsonb;
  v_faults text[];
begin
  select to_regprocedure(format('jobtable_internal.plan_%s_%s_0()', t.id, t.payload_version))
  into v_made
  from jobtable.job_type t
  where t.name = refuse_payload.type;
  -- The check is the newest, whatever the snapshot knows of the type.
  if v_made is not null then
    execute format('select %s', v_made) into v_plan;
    v_faults := jobtable_internal.schema_faults(v_plan, '{}', payload, '', 0);
  end if;
  raise exception using
    errcode = 'JT002',
    message = format('the payload of %s does not fit job type "%s"', whose, type),
    detail = case when v_faults <> '{}'
      then array_to_string(v_faults[1 : c_most], E'\n')
        || case when cardinality(v_faults) > c_most then E'\n… and more' else '' end
      else 'Its schema has changed since this transaction began.' end,
    hint = format('The schema: select payload_schema from jobtable.job_type where name = %L', type);
end
$$;
