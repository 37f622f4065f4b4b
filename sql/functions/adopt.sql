-- What a worker holds, asked for when the answer to a tick was lost. The receipt of that tick's
-- lease is written here if the tick did not: either the tick has happened when this returns, and
-- what it handed out is in the answer, or it fails on the receipt's key and never will: see
-- is_fence.
create or replace function jobtable_internal.adopt(worker bigint, lease bigint) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
  insert into jobtable_internal.claim (lease, worker, claimed_at, ids)
  values (adopt.lease, adopt.worker, jobtable_internal.clock(), '{}')
  on conflict do nothing;
  return (
    select string_agg(jobtable_internal.batch(
      j.lease, j.started_at, j.type, j.owner, jobtable_internal.handed(j, j.type, j.owner)
    ), ',' order by j.id)
    from jobtable_internal.claim c
    join jobtable.job j on j.id = any (c.ids)
    where c.worker = adopt.worker and j.lease = c.lease and j.status in ('queued', 'started')
  );
end
$$;
