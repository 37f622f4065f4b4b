--! requires: lane_priority, lane_type
-- The oldest entry of the most urgent lane in each range that has room, the most urgent first, and
-- whether the range has no other. Types that are paused or disabled have none. Stable and with a
-- body that binds its names, so that PostgreSQL makes it a part of the query that calls it.
create or replace function jobtable_internal.heads(
  from_lanes bigint[], to_lanes bigint[], rooms integer[]
) returns table (range integer, lane bigint, seq bigint, alone boolean)
language sql stable
begin atomic
  select r.ord::integer, f.lane, f.seq, not exists (
    select from jobtable_internal.ready q
    where (q.lane, q.seq) > (f.lane, f.seq) and q.lane < r.to_lane
  )
  from unnest(from_lanes, to_lanes, rooms)
    with ordinality as r (from_lane, to_lane, room, ord)
  cross join lateral (
    select q.lane, q.seq
    from jobtable_internal.ready q
    where q.lane >= r.from_lane and q.lane < r.to_lane
    order by q.lane, q.seq
    limit 1
  ) f
  where r.room > 0
    and jobtable_internal.lane_type(r.from_lane) <> all (array(
      select t.id from jobtable.job_type t where t.paused or not t.enabled
    ))
  order by jobtable_internal.lane_priority(f.lane), f.seq;
end;
