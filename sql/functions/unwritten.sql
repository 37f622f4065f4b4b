-- Of the jobs that a worker wanted to finish: which still stand under its lease (locked by
-- somebody) and which are no longer its own: a rescue that ends the last attempt leaves the lease,
-- but not the status. The rest was written, now or by an earlier call.
create or replace function jobtable_internal.unwritten(
  ids bigint[], leases bigint[], outcomes text[], out locked bigint[], out lost bigint[]
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(array_agg(f.id)
      filter (where j.lease = f.lease and j.status in ('queued', 'started')), '{}'),
    coalesce(array_agg(f.id)
      filter (where j.lease is distinct from f.lease
        or (f.outcome = 'completed' and j.status in ('failed', 'cancelled'))), '{}')
  from unnest(ids, leases, outcomes) as f (id, lease, outcome)
  left join jobtable.job j on j.id = f.id
$$;
