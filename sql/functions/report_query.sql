-- The SELECT of a type's report: its jobs as job_report has them, and beside each the columns of
-- its row in each facet; of a facet with many rows a job, all of them as one JSON array. A column
-- whose name is taken bears the facet's before its own, or the facet's place if that is taken too.
-- Null facets are those that the executor declares.
create or replace function jobtable_internal.report_query(type text, facets regclass[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_names name[] := array[
    'id', 'status', 'status_detail', 'title', 'owner', 'payload', 'fraction', 'stage', 'message',
    'result', 'error_name', 'error_message', 'attempt', 'created_at', 'run_at', 'started_at',
    'finished_at', 'wait_time', 'run_time', 'worker'
  ];
  v_columns text := (select string_agg(format('r.%I', n), ', ') from unnest(v_names) n);
  v_tables text := '';
  v_type jobtable.job_type;
  v_facet regclass;
  v_title name;
  v_key text[];
  v_alias text;
  v_name name;
  v_as name;
begin
  select t.* into v_type from jobtable.job_type t where t.name = report_query.type;
  if not found then
    perform jobtable_internal.refuse_unknown_type(type);
  end if;
  for v_alias, v_facet in
    select 'f' || f.ord, f.facet
    from unnest(coalesce(facets, array(
      select jobtable_internal.facet_named(d.name) from unnest(v_type.facets) as d (name)
    ))) with ordinality as f (facet, ord)
    order by f.ord
  loop
    v_key := jobtable_internal.facet_columns(v_facet);
    select c.relname into v_title from pg_catalog.pg_class c where c.oid = v_facet;
    if cardinality(v_key) > 1 then
      v_as := jobtable_internal.free_name(v_title, v_title, v_alias, v_names);
      v_names := v_names || v_as;
      v_columns := v_columns || format(
        ', (select jsonb_agg(to_jsonb(%1$s) - %2$L order by %3$s) from %4$s %1$s '
        'where %1$s.%5$I = r.id) as %6$I',
        v_alias, v_key[1],
        (select string_agg(format('%s.%I', v_alias, k), ', ') from unnest(v_key[2:]) k),
        v_facet, v_key[1], v_as
      );
      continue;
    end if;
    v_tables := v_tables || format(' left join %s %s on %s.%I = r.id', v_facet, v_alias, v_alias,
      v_key[1]);
    for v_name in
      select a.attname
      from pg_catalog.pg_attribute a
      where a.attrelid = v_facet and a.attnum > 0 and not a.attisdropped and a.attname <> v_key[1]
      order by a.attnum
    loop
      v_as := jobtable_internal.free_name(v_name, v_title, v_alias, v_names);
      v_columns := v_columns || format(', %s.%I as %I', v_alias, v_name, v_as);
      v_names := v_names || v_as;
    end loop;
  end loop;
  return format('select %s from jobtable.job_report r%s where r.type = %L', v_columns, v_tables,
    type);
end
$$;
