-- A running executor's update_facet: only under the lease that its job was started with. The job's
-- row is locked FOR SHARE, so that no attempt ends, and no other begins, before this is committed;
-- `within` the transaction that completes the job only FOR KEY SHARE: there complete() holds the
-- lease, and a client that asks the job to stop must not wait for the transaction's end.
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
  if within then
    perform from jobtable.job j
    where j.id = write_facet.id and j.lease = write_facet.lease and j.status = 'started'
    for key share;
  else
    perform from jobtable.job j
    where j.id = write_facet.id and j.lease = write_facet.lease and j.status = 'started'
    for share;
  end if;
  if not found then
    perform jobtable_internal.refuse_lost_lease(id);
  end if;
  perform jobtable.update_facet(v_facet, id, fields);
end
$$;
