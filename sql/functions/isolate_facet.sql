-- Keeps owners apart in a facet table of a user's: a row is as visible as its job. Everybody who
-- sees jobs may read; who may write is granted by the table's owner, and then holds for the jobs
-- that one may steer. A table of somebody else's is named in a warning.
create or replace function jobtable_internal.isolate_facet(facet regclass) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v jobtable_internal.isolation := jobtable_internal.isolated();
  v_job text;
  v_of_a_job text;
  v_statement text;
begin
  if v.enabled is not true then
    return;
  end if;
  if not (select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = facet) then
    raise warning 'owners are not kept apart in facet %, which is of another role', facet
      using hint = format('Have its owner run: select jobtable.add_facet(%L)', facet);
    return;
  end if;
  v_job := format('%s.%I', facet, (jobtable_internal.facet_columns(facet))[1]);
  v_of_a_job := format('exists (select from jobtable.job j where j.id = %s', v_job);
  perform jobtable_internal.release_facet(facet);
  execute format('alter table %s enable row level security', facet);
  for v_statement in
    select format('create policy %I on %s for %s to %s using (%s)', p.policy, facet, p.command,
      n.names, p."using")
    from (
      values
        ('jobtable_owners_view', 'select', '{reader,submitter}'::text[], v_of_a_job || ')'),
        ('jobtable_owners_write', 'all', '{submitter}', v_of_a_job
          || $x$ and j.owner = any ((select jobtable_internal.visible_owners('act'))::text[]))$x$),
        ('jobtable_all_are_written', 'all', '{operator,worker,admin}', 'true')
    ) as p (policy, command, roles, "using")
    cross join jobtable_internal.isolation_names(v, p.roles) as n (names)
    where n.names is not null
    union all
    select format('grant select on %s to %s', facet, n.names)
    from jobtable_internal.isolation_names(v, '{reader,submitter,operator,worker,admin}')
      as n (names)
    where n.names is not null
    union all
    select format('grant insert, update, delete on %s to %s', facet, n.names)
    from jobtable_internal.isolation_names(v, '{worker,admin}') as n (names)
    where n.names is not null
  loop
    execute v_statement;
  end loop;
end
$$;
