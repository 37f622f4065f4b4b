-- Takes from the isolation's roles all rights in both schemas, but those on users' facets.
create or replace function jobtable_internal.lift_grants() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_roles text;
  v_tables text;
begin
  select jobtable_internal.isolation_names(i, '{reader,submitter,operator,worker,admin}')
  into v_roles
  from jobtable_internal.isolation i;
  select string_agg(c.oid::regclass::text, ', ')
  into v_tables
  from pg_class c
  where c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and c.oid not in (select f.facet from jobtable_internal.user_facets() f);
  if v_roles is not null then
    execute 'revoke all on ' || v_tables || ' from ' || v_roles;
    execute replace(
      'revoke all on all sequences in schema jobtable, jobtable_internal from %1; '
      'revoke all on all functions in schema jobtable, jobtable_internal from %1; '
      'revoke all on schema jobtable, jobtable_internal from %1',
      '%1', v_roles
    );
  end if;
end
$$;
