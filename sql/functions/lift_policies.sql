-- Drops the policies of all tables in schema jobtable, and switches their row-level security off.
create or replace function jobtable_internal.lift_policies() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_statement text;
begin
  for v_statement in
    select format('drop policy %I on %s', p.polname, c.oid::regclass)
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    where c.relnamespace = 'jobtable'::regnamespace
    union all
    select format('alter table %s disable row level security', c.oid::regclass)
    from pg_class c
    where c.relnamespace = 'jobtable'::regnamespace and c.relrowsecurity
  loop
    execute v_statement;
  end loop;
end
$$;
