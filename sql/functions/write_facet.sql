-- A running executor's update_facet: only under the lease that its job was started with. It writes
-- as the worker's role, since the table need not be the queue's. See require_lease for `within`.
create or replace function jobtable_internal.write_facet(
  id bigint, lease bigint, facet text, fields jsonb, within boolean
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_facet regclass := jobtable_internal.facet_named(facet);
begin
  perform jobtable_internal.require_lease(id, lease, within);
  perform jobtable_internal.store_facet(v_facet, id, fields);
end
$$;
