-- Makes check_payload(type, payload), which INSERT asks whether a payload fits the schema of its
-- type, and fill_payload(type, payload), which gives it the schema's defaults: one plain function
-- each, that knows all types. Where there is nothing to do they are expressions that PostgreSQL
-- leaves out of the caller's.
create or replace function jobtable_internal.make_dispatchers() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  v record;
  v_tree text;
begin
  for v in
    select d.kind, d.result, d.otherwise, d.attributes,
      coalesce(
        array_agg(t.name order by t.name collate "C") filter (where t.name is not null), '{}'
      ) as names,
      array_agg(format(d.call, t.id, t.version) order by t.name collate "C") as results
    from (values
      -- Called by triggers that have a search path already.
      ('check', 'boolean', 'true', '', 'jobtable_internal.check_%s_%s_0(payload, 0)'),
      -- Called as the client, who has no right to the others.
      ('fill', 'jsonb', 'payload', 'security definer set search_path = pg_catalog, pg_temp',
        'jobtable_internal.fill_%s_%s_0(payload)')
    ) d (kind, result, otherwise, attributes, call)
    left join (
      select t.name, t.id, t.payload_version as version, f.proname
      from jobtable.job_type t
      join pg_proc f on f.pronamespace = 'jobtable_internal'::regnamespace
        and f.proname in (format('check_%s_%s_0', t.id, t.payload_version)::name,
          format('fill_%s_%s_0', t.id, t.payload_version)::name)
      where t.payload_version > 0
    ) t on t.proname like d.kind || '%'
    group by d.kind, d.result, d.otherwise, d.attributes
  loop
    v_tree := jobtable_internal.dispatch_tree(v.names, v.results);
    execute format(
      'create or replace function jobtable_internal.%I(type text, payload jsonb) returns %s '
        'language %s immutable %s',
      v.kind || '_payload', v.result,
      case when v_tree = '' then 'sql' else 'plpgsql ' || v.attributes end,
      case when v_tree = '' then 'return ' || v.otherwise
        else format('as %L', format('begin %sreturn %s; end', v_tree, v.otherwise)) end);
    execute format('revoke execute on function jobtable_internal.%I from public',
      v.kind || '_payload');
  end loop;
end
$$;
