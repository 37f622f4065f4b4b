-- Keeps owners apart in a facet table of a user's: a row is as visible as its job. Everybody who
-- sees jobs may read; who may write is granted by the table's owner, and then holds for the jobs
-- that one may steer. A table of somebody else's is named in a warning. Called at each start of a
-- worker, perhaps by many at once: what is as it shall be, by the comment of a policy, is not
-- touched, and no right is taken.
create or replace function jobtable_internal.isolate_facet(facet regclass) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
set client_min_messages = warning
as $$
declare
  v jobtable_internal.isolation := jobtable_internal.isolated();
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
  v_of_a_job := format('exists (select from jobtable.job j where j.id = %s.%I', facet,
    (jobtable_internal.facet_columns(facet))[1]);
  for v_statement in
    select format('alter table %s enable row level security', facet)
    from pg_class c
    where c.oid = facet and not c.relrowsecurity
    union all
    select format(
      'drop policy if exists %1$I on %2$s; %3$s; comment on policy %1$I on %2$s is %4$L',
      p.policy, facet, s.statement, md5(s.statement))
    from (
      values
        ('jobtable_owners_view', 'select', '{reader,submitter}'::text[], v_of_a_job || ')'),
        ('jobtable_owners_write', 'all', '{submitter}', v_of_a_job
          || $x$ and j.owner = any ((select jobtable_internal.visible_owners('act'))::text[]))$x$),
        ('jobtable_all_are_written', 'all', '{operator,worker,admin}', 'true')
    ) as p (policy, command, roles, "using")
    cross join jobtable_internal.isolation_names(v, p.roles) as n (names)
    cross join lateral format('create policy %I on %s for %s to %s using (%s)', p.policy, facet,
      p.command, n.names, p."using") as s (statement)
    where n.names is not null and not exists (
      select
      from pg_policy o
      where o.polrelid = facet and o.polname = p.policy
        and obj_description(o.oid, 'pg_policy') = md5(s.statement)
    )
    union all
    select format('grant %s on %s to %s', g.privilege, facet, n.name)
    from (
      values
        ('select', '{reader,submitter,operator,worker,admin}'::text[]),
        ('insert', '{worker,admin}'), ('update', '{worker,admin}'), ('delete', '{worker,admin}')
    ) as g (privilege, roles)
    cross join unnest(g.roles) as r (role)
    cross join jobtable_internal.isolation_names(v, array[r.role]) as n (name)
    where not has_table_privilege(to_regrole(n.name), facet, g.privilege)
  loop
    execute v_statement;
  end loop;
end
$$;
