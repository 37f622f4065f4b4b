-- Hands jobs to a worker: up to `slots` of them started, and up to `prefetch` more queued.
--
-- Each range of lanes (from_lane, from_seq) < (lane, seq) < to_lane is one type's, with `room` for
-- that many jobs of it; the most urgent lane of each range is taken from, in order of priority and
-- then of age. `looked` counts the entries' ids that were looked at, `more` tells whether entries
-- are left: with none looked at, other workers are at them just now.
create or replace function jobtable_internal.claim(
  worker bigint, lease bigint,
  from_lanes bigint[], from_seqs bigint[], to_lanes bigint[], rooms integer[],
  slots integer, prefetch integer,
  out claimed json, out looked integer, out more boolean, out next_due_ms double precision
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_patience constant interval := '20 milliseconds';
  v_begun constant timestamptz := clock_timestamp();
  v_left integer := slots + prefetch;
  v_rooms integer[] := rooms;
  v_head record;
  v_taken bigint[];
  v_ids bigint[];
  v_priorities smallint[];
  v_ranges integer[];
  v_handed record;
  v_missed integer := 0;
  v_claimed bigint[] := '{}';
  v_jobs json[] := '{}';
begin
  perform jobtable_internal.promote(jobtable_internal.clock());
  looked := 0;

  -- One round is the rule. More follow where entries name jobs that are gone, or that clients hold.
  loop
    v_ids := '{}';
    v_priorities := '{}';
    v_ranges := '{}';
    for v_head in
      select h.* from jobtable_internal.heads(from_lanes, from_seqs, to_lanes, v_rooms) h
    loop
      exit when cardinality(v_ids) >= v_left;
      v_taken := jobtable_internal.take(v_head.lane, v_head.seq - 1,
        least(v_left - cardinality(v_ids), v_rooms[v_head.range]));
      v_ids := v_ids || v_taken;
      v_ranges := v_ranges || v_head.range;
      v_priorities := v_priorities || array_fill(
        jobtable_internal.lane_priority(v_head.lane), array[cardinality(v_taken)]
      );
      v_rooms[v_head.range] := v_rooms[v_head.range] - cardinality(v_taken);
    end loop;
    exit when cardinality(v_ids) = 0;
    looked := looked + cardinality(v_ids);

    select h.* into v_handed
    from jobtable_internal.hand_over(
      worker, lease, v_ids, v_priorities, slots - cardinality(v_claimed), v_missed
    ) h;
    v_missed := v_missed + v_handed.missed;
    v_claimed := v_claimed || v_handed.ids;
    v_jobs := v_jobs || v_handed.jobs;
    v_left := v_left - cardinality(v_handed.ids);
    if v_handed.missed = cardinality(v_ids) then
      -- Clients hold all of it: the other types go on.
      for i in 1 .. cardinality(v_ranges) loop
        v_rooms[v_ranges[i]] := 0;
      end loop;
    end if;
    exit when v_left = 0 or clock_timestamp() > v_begun + c_patience;
    if (cardinality(v_handed.ids) + v_handed.missed) * 2 < cardinality(v_ids) then
      perform jobtable_internal.sweep(h.lane, h.seq - 1)
      from jobtable_internal.heads(from_lanes, from_seqs, to_lanes, rooms) h;
    end if;
  end loop;

  if cardinality(v_claimed) > 0 then
    claimed := array_to_json(v_jobs);
    insert into jobtable_internal.claim (lease, worker, claimed_at, ids)
    values (claim.lease, claim.worker, jobtable_internal.clock(), v_claimed);
  end if;
  more := v_left = 0 or exists (
    select from jobtable_internal.heads(from_lanes, from_seqs, to_lanes, rooms)
  );
  select greatest(0, extract(epoch from d.at - jobtable_internal.clock()) * 1000) into next_due_ms
  from (select q.at from jobtable_internal.due q order by q.at, q.id limit 1) d
  where isfinite(d.at);
end
$$;
