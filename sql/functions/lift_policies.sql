-- Drops the queue's policies on its own tables, and switches row-level security off where nobody
-- else has a policy.
create or replace function jobtable_internal.lift_policies() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_statement text;
begin
  for v_statement in
    select format('drop policy if exists %I on %s', p.policy, p.relation)
    from jobtable_internal.isolation_policies(false) p
    union all
    select format('alter table %s disable row level security', c.oid::regclass)
    from pg_class c
    where c.relrowsecurity
      and c.oid in (
        select p.relation::regclass from jobtable_internal.isolation_policies(false) p
      )
      and not exists (
        select
        from pg_policy o
        where o.polrelid = c.oid and o.polname not in (
          select p.policy
          from jobtable_internal.isolation_policies(false) p
          where p.relation::regclass = c.oid
        )
      )
  loop
    execute v_statement;
  end loop;
end
$$;
