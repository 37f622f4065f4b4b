-- Which of the jobs that a worker believes to hold it does not hold any more: positions, from 1.
create or replace function jobtable_internal.check_held(ids bigint[], leases bigint[])
returns integer[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(h.n::integer order by h.n), '{}')
  from unnest(ids, leases) with ordinality as h (id, lease, n)
  where not exists (
    select
    from jobtable.job j
    where j.id = h.id and j.lease = h.lease and j.status in ('queued', 'started')
  )
$$;
