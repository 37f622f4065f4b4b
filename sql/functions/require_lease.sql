-- Locks a started job's row against its end, or raises JT014 if it is not held under the lease.
-- FOR SHARE, so that no attempt ends, and no other begins, before the caller's transaction is
-- committed; `within` the transaction that completes the job only FOR KEY SHARE: there complete()
-- holds the lease, and a client that asks the job to stop must not wait for the transaction's end.
create or replace function jobtable_internal.require_lease(
  id bigint, lease bigint, within boolean
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if within then
    perform from jobtable.job j
    where j.id = require_lease.id and j.lease = require_lease.lease and j.status = 'started'
    for key share;
  else
    perform from jobtable.job j
    where j.id = require_lease.id and j.lease = require_lease.lease and j.status = 'started'
    for share;
  end if;
  if not found then
    perform jobtable_internal.refuse_lost_lease(id);
  end if;
end
$$;
