-- Starts jobs that wait in a worker's local queue. One that was paused or moved to a later time
-- meanwhile goes back to new; one that a client's open transaction holds waits on. Jobs that an
-- earlier call began, whose answer was lost, count as begun.
create or replace function jobtable_internal.begin_queued(
  ids bigint[], leases bigint[], out begun text, out waiting bigint[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_back bigint[];
begin
  with mine as materialized (
    select j.id, not j.paused and j.run_at <= v_now as starts
    from unnest(ids, leases) as q (id, lease)
    join jobtable.job j on j.id = q.id
    where j.lease = q.lease and j.status = 'queued'
    for no key update of j skip locked
  ), moved as (
    update jobtable.job j
    set status = case when m.starts then 'started' else 'new' end::jobtable.job_status,
      attempt = j.attempt + m.starts::integer,
      started_at = case when m.starts then v_now end,
      queued_at = case when m.starts then j.queued_at end,
      worker = case when m.starts then j.worker end,
      lease = case when m.starts then j.lease end
    from mine m
    where j.id = m.id
    returning j.id, j.type, j.status, m.starts
  ), counted as (
    insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
    select (select t.id from jobtable.job_type t where t.name = m.type), 'queued', m.status,
      count(*)
    from moved m
    group by m.type, m.status
  )
  select array_agg(m.id) filter (where not m.starts) into v_back from moved m;
  if v_back is not null then
    perform jobtable_internal.give_back(v_back);
  end if;

  select string_agg(jobtable_internal.batch(
      j.lease, j.started_at, j.type, j.owner, jobtable_internal.handed(j, j.type, j.owner)
    ), ',' order by q.ord) filter (where j.status = 'started'),
    coalesce(array_agg(j.id) filter (where j.status = 'queued'), '{}')
  into begun, waiting
  from unnest(ids, leases) with ordinality as q (id, lease, ord)
  join jobtable.job j on j.id = q.id
  where j.lease = q.lease;
end
$$;
