-- Brings rights and policies to what the isolation says: at its change, and after an installation.
-- GRANTs lock no table and are always made anew. Policies lock the job table, and so do only what
-- differs from the last time, or all of it `again`.
create or replace function jobtable_internal.apply_isolation(again boolean) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v jobtable_internal.isolation := jobtable_internal.isolated();
  v_statement text;
  v_hash text;
  v_facet regclass;
begin
  if v.enabled is not true then
    return;
  end if;
  perform jobtable_internal.lift_grants();
  for v_statement in
    select format('grant %s on %s to %s', g.privileges, g.object, n.names)
    from jobtable_internal.isolation_grants() g
    cross join jobtable_internal.isolation_names(v, g.roles) as n (names)
    where n.names is not null
  loop
    execute v_statement;
  end loop;

  select md5(string_agg(row(p.*, jobtable_internal.isolation_names(v, p.roles))::text, '' order by
    p.relation, p.policy))
  into v_hash
  from jobtable_internal.isolation_policies(v.sharing) p;
  if v_hash = v.policies_hash and not again then
    return;
  end if;
  perform jobtable_internal.lift_policies();
  for v_statement in
    select format('alter table %s enable row level security', p.relation)
    from (select distinct p.relation from jobtable_internal.isolation_policies(v.sharing) p) p
    union all
    select format('create policy %I on %s as %s for %s to %s%s%s', p.policy, p.relation, p.mode,
      p.command, n.names, ' using (' || p."using" || ')', ' with check (' || p."check" || ')')
    from jobtable_internal.isolation_policies(v.sharing) p
    cross join jobtable_internal.isolation_names(v, p.roles) as n (names)
    where n.names is not null
  loop
    execute v_statement;
  end loop;
  for v_facet in select f.facet from jobtable_internal.user_facets() f loop
    perform jobtable_internal.isolate_facet(v_facet);
  end loop;
  update jobtable_internal.isolation set policies_hash = v_hash;
end
$$;
