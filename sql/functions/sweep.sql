-- Clears up to 64 entries of a lane of jobs that are gone: after many were deleted, a claim would
-- otherwise meet them a few at a time.
create or replace function jobtable_internal.sweep(lane bigint, after bigint) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  with picked as materialized (
    select q.ctid as place, q.ids
    from jobtable_internal.ready q
    where q.lane = sweep.lane and q.seq > sweep.after
    order by q.seq
    limit 64
    for update skip locked
  ), checked as materialized (
    select p.place, cardinality(p.ids) as n, array(
      select u.id
      from unnest(p.ids) with ordinality as u (id, ord)
      where exists (select from jobtable.job j where j.id = u.id and j.status = 'new')
      order by u.ord
    ) as ids
    from picked p
  ), emptied as (
    delete from jobtable_internal.ready q
    where q.ctid = any (array(select c.place from checked c where cardinality(c.ids) = 0))
  )
  update jobtable_internal.ready q
  set ids = (select c.ids from checked c where c.place = q.ctid)
  where q.ctid = any (array(
    select c.place from checked c where cardinality(c.ids) between 1 and c.n - 1
  ))
$$;
