-- Hands jobs to a worker: up to `slots` of them started, and up to `prefetch` more queued.
--
-- Each range of lanes (from_lane, from_seq) < (lane, seq) < to_lane is one type's, with `room` for
-- that many jobs of it; the most urgent lane of each range is taken from, in order of priority and
-- then of age, so a call that had room left and found something is worth repeating (`more`).
--
-- The ready entries only say where to look. The job's own row decides, locked but never waited for:
-- a row that a client's open transaction holds is passed over and looked at again in 200 ms.
create or replace function jobtable_internal.claim(
  worker bigint, lease bigint,
  from_lanes bigint[], from_seqs bigint[], to_lanes bigint[], rooms integer[],
  slots integer, prefetch integer,
  out claimed json, out count integer, out more boolean, out next_due_ms double precision
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_left integer := slots + prefetch;
  v_head record;
  v_taken bigint[];
  v_ids bigint[] := '{}';
  v_priorities smallint[] := '{}';
  v_claimed bigint[];
begin
  perform jobtable_internal.promote(v_now);

  for v_head in
    select f.lane, f.seq, r.from_lane, r.from_seq, r.room
    from unnest(from_lanes, from_seqs, to_lanes, rooms)
      as r (from_lane, from_seq, to_lane, room)
    cross join lateral (
      select q.lane, q.seq
      from jobtable_internal.ready q
      where (q.lane, q.seq) > (r.from_lane, r.from_seq) and q.lane < r.to_lane
      order by q.lane, q.seq
      limit 1
    ) f
    where r.room > 0
    order by jobtable_internal.lane_priority(f.lane), f.seq
  loop
    exit when v_left <= 0;
    v_taken := jobtable_internal.take(v_head.lane, v_head.seq - 1, least(v_left, v_head.room));
    v_left := v_left - cardinality(v_taken);
    v_ids := v_ids || v_taken;
    v_priorities := v_priorities || array_fill(
      jobtable_internal.lane_priority(v_head.lane), array[cardinality(v_taken)]
    );
  end loop;

  if cardinality(v_ids) > 0 then
    -- Read again: a job inserted since must not start before it was created.
    v_now := jobtable_internal.clock();
    with locked as materialized (
      select j.id, w.ord
      from unnest(v_ids, v_priorities) with ordinality as w (id, priority, ord)
      join jobtable.job j on j.id = w.id
      where j.status = 'new' and not j.paused and j.run_at <= v_now
        and coalesce(j.priority, w.priority) = w.priority
      for no key update of j skip locked
    ), free as (
      select l.id, l.ord, row_number() over (order by l.ord) <= slots as starts
      from locked l
    ), handed as (
      update jobtable.job j
      set status = case when f.starts then 'started' else 'queued' end::jobtable.job_status,
        attempt = j.attempt + f.starts::integer,
        queued_at = v_now,
        started_at = case when f.starts then v_now end,
        worker = claim.worker,
        lease = claim.lease
      from free f
      where j.id = f.id
      returning j.id, f.ord, jobtable_internal.handed(j) as job
    )
    select json_agg(h.job order by h.ord), array_agg(h.id)
    into claimed, v_claimed
    from handed h;

    count := coalesce(cardinality(v_claimed), 0);
    if count > 0 then
      insert into jobtable_internal.claim (lease, worker, claimed_at, ids)
      values (claim.lease, claim.worker, v_now, v_claimed);
    end if;
    if count < cardinality(v_ids) then
      perform jobtable_internal.look_again(v_ids, v_claimed, v_now);
    end if;
  end if;

  count := coalesce(count, 0);
  if count < slots + prefetch then
    more := exists (
      select
      from unnest(from_lanes, from_seqs, to_lanes, rooms)
        as r (from_lane, from_seq, to_lane, room)
      cross join lateral (
        select q.lane
        from jobtable_internal.ready q
        where (q.lane, q.seq) > (r.from_lane, r.from_seq) and q.lane < r.to_lane
        order by q.lane, q.seq
        limit 1
      ) f
      where r.room > 0
    );
  else
    more := true;
  end if;
  select greatest(0, extract(epoch from d.at - jobtable_internal.clock()) * 1000) into next_due_ms
  from jobtable_internal.due d
  order by d.at, d.id
  limit 1;
end
$$;
