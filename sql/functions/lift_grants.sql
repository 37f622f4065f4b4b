-- Takes from the isolation's roles all rights in both schemas.
create or replace function jobtable_internal.lift_grants() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_roles text;
begin
  select jobtable_internal.isolation_names(i, '{reader,submitter,operator,worker,admin}')
  into v_roles
  from jobtable_internal.isolation i;
  if v_roles is not null then
    execute replace(
      'revoke all on all tables in schema jobtable, jobtable_internal from %1; '
      'revoke all on all sequences in schema jobtable, jobtable_internal from %1; '
      'revoke all on all functions in schema jobtable, jobtable_internal from %1; '
      'revoke all on schema jobtable, jobtable_internal from %1',
      '%1', v_roles
    );
  end if;
end
$$;
