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
    with own as materialized (
      select p.relation::regclass as relation, p.policy
      from jobtable_internal.isolation_policies(false) p
    )
    select format('drop policy %I on %s', o.policy, o.relation)
    from own o
    join pg_policy p on p.polrelid = o.relation and p.polname = o.policy
    union all
    select format('alter table %s disable row level security', c.oid::regclass)
    from pg_class c
    where c.relrowsecurity and c.oid in (select o.relation from own o)
      and not exists (
        select
        from pg_policy p
        where p.polrelid = c.oid
          and p.polname not in (select o.policy from own o where o.relation = c.oid)
      )
  loop
    execute v_statement;
  end loop;
end
$$;
