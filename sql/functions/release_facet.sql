-- Drops what isolate_facet has made of a user's facet table, and takes all rights on it from the
-- isolation's roles.
create or replace function jobtable_internal.release_facet(facet regclass) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_statement text;
begin
  for v_statement in
    select format('drop policy %I on %s', p.polname, facet)
    from pg_policy p
    where p.polrelid = facet and p.polname in (
      'jobtable_owners_view', 'jobtable_owners_write', 'jobtable_all_are_written'
    )
    union all
    select format('alter table %s disable row level security', facet)
    where not exists (select from pg_policy p where p.polrelid = facet and p.polname not in (
      'jobtable_owners_view', 'jobtable_owners_write', 'jobtable_all_are_written'
    ))
    union all
    select format('revoke select, insert, update, delete on %s from %s', facet, n.names)
    from jobtable_internal.isolation_names(
      jobtable_internal.isolated(), '{reader,submitter,operator,worker,admin}'
    ) as n (names)
    where n.names is not null
  loop
    execute v_statement;
  end loop;
end
$$;
