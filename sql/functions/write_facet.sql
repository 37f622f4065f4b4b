-- A running executor's update_facet: only under the lease that its job was started with.
create or replace function jobtable_internal.write_facet(
  id bigint, lease bigint, facet text, fields jsonb
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_facet regclass := jobtable_internal.facet_named(facet);
begin
  perform from jobtable.job j
  where j.id = write_facet.id and j.lease = write_facet.lease and j.status = 'started'
  for key share;
  if not found then
    perform jobtable_internal.refuse_lost_lease(id);
  end if;
  perform jobtable.update_facet(v_facet, id, fields);
end
$$;
