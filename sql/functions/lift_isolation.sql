-- Takes back all that apply_isolation has done.
create or replace function jobtable_internal.lift_isolation() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facet regclass;
begin
  perform jobtable_internal.lift_grants();
  perform jobtable_internal.lift_policies();
  for v_facet in select f.facet from jobtable_internal.user_facets() f where f.owned loop
    perform jobtable_internal.release_facet(v_facet);
  end loop;
end
$$;
