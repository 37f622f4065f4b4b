create or replace function jobtable.create_report(
  type text, schema name default 'jobtable', facets regclass[] default null
) returns regclass
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name constant text := format('%I.%I', schema, ('report_' || type)::name);
  v_query constant text := jobtable_internal.report_query(type, facets);
  v_comment constant text :=
    format('Jobs of type "%s" with their facets, made by jobtable.create_report.', type);
  v_old constant regclass := to_regclass(v_name);
begin
  if v_old is not null
    and obj_description(v_old, 'pg_class') is distinct from v_comment
  then
    raise exception using
      errcode = 'JT028',
      message = format('%s exists and is not the report of job type "%s"', v_name, type),
      hint = 'Choose another schema: select jobtable.create_report(type, schema).';
  end if;
  begin
    execute format('create or replace view %s with (security_invoker = true) as %s', v_name,
      v_query);
  exception when invalid_table_definition then
    -- Columns have gone, or changed their types or places.
    execute format('drop view %s', v_name);
    execute format('create view %s with (security_invoker = true) as %s', v_name, v_query);
  end;
  execute format('comment on view %s is %L', v_name, v_comment);
  return v_name::regclass;
end
$$;

comment on function jobtable.create_report(text, name, regclass[]) is
  'Makes a view of a type''s jobs with their facets, or makes it anew: report_<type>.

One row a job: the columns of job_report that tell of its work, then those of each facet, typed
as they are; a name that is taken bears the facet''s before it. Of a facet with many rows a job
all rows, as a JSON array. schema: where the view goes (default jobtable). facets: the tables
(default null: those that the executor declares, job_type.facets). The reader''s own rights count.
When columns have gone, the view is dropped and its grants with it. Errors: JT001 (no such type),
JT012 (not a facet), JT028 (the name is another relation''s).';
