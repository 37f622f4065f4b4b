-- Hands jobs to a worker: up to `slots` of them started, and up to `prefetch` more queued.
--
-- Each range of lanes, from_lane <= lane < to_lane, is one type's, with `room` for that many jobs
-- of it; the most urgent lane of each range is taken from, in order of priority and then of age.
-- `looked` counts the entries' ids that were looked at, `more` tells whether entries are left: with
-- none looked at, other workers are at them just now.
--
-- A worker that `promises` will look again in a moment, and nobody notifies it meanwhile (see
-- watch); if it `stays`, also when it has got all that it asked for. A claim that finds nothing
-- takes the promise back, so that the next job wakes, and looks once more: a transaction may have
-- committed in silence before. `writers` are those that may still do so; a worker that `awaits`
-- some asks again.
create or replace function jobtable_internal.claim(
  worker bigint, lease bigint,
  from_lanes bigint[], to_lanes bigint[], rooms integer[],
  slots integer, prefetch integer, promises boolean, stays boolean, awaits boolean,
  out claimed text, out looked integer, out more boolean, out next_due_ms double precision,
  out writers text[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rooms integer[] := rooms;
  v_types integer[] := '{}';
  v_stage jobtable.job_status := 'started';
  v_left integer := slots;
  v_until timestamptz;
  v_head record;
  v_priority smallint;
  v_wanted integer;
  v_taken bigint[];
  v_ids bigint[];
  v_types_taken integer[];
  v_counts integer[];
  v_all boolean;
  v_handed record;
  v_missed integer := 0;
  v_claimed bigint[] := '{}';
begin
  looked := 0;
  more := false;
  if not jobtable_internal.is_at_work(worker) then
    return;
  end if;
  if promises then
    for i in 1 .. cardinality(rooms) loop
      if rooms[i] > 0 then
        v_types := v_types || jobtable_internal.lane_type(from_lanes[i]);
      end if;
    end loop;
    perform jobtable_internal.watch(v_types, 1);
  end if;
  next_due_ms := jobtable_internal.next_due();
  if next_due_ms = 0 then
    perform jobtable_internal.promote();
  end if;

  -- A round takes jobs of one priority. One round is the rule; more follow for other priorities,
  -- for the local queue, and where entries name jobs that are gone or that clients hold.
  loop
    if v_left <= 0 then
      exit when v_stage = 'queued' or prefetch <= 0;
      v_stage := 'queued';
      v_left := prefetch;
    end if;
    v_ids := '{}';
    v_types_taken := '{}';
    v_counts := '{}';
    v_all := true;
    for v_head in
      select h.range, h.lane, h.seq, h.alone, jobtable_internal.lane_priority(h.lane) as priority
      from jobtable_internal.heads(from_lanes, to_lanes, v_rooms) h
    loop
      if cardinality(v_ids) = v_left or (v_ids <> '{}' and v_head.priority <> v_priority) then
        v_all := false;
        exit;
      end if;
      v_priority := v_head.priority;
      v_wanted := least(v_left - cardinality(v_ids), v_rooms[v_head.range]);
      v_taken := jobtable_internal.take(v_head.lane, v_head.seq - 1, v_wanted, v_head.alone);
      v_all := v_all and v_head.alone and cardinality(v_taken) between 1 and v_wanted - 1;
      v_ids := v_ids || v_taken;
      v_types_taken := v_types_taken || jobtable_internal.lane_type(v_head.lane);
      v_counts := v_counts || cardinality(v_taken);
      v_rooms[v_head.range] := v_rooms[v_head.range] - cardinality(v_taken);
    end loop;
    more := found;
    exit when v_ids = '{}';
    looked := looked + cardinality(v_ids);

    v_handed := jobtable_internal.hand_over(
      worker, lease, v_ids, v_types_taken, v_counts, v_priority, v_stage, v_missed
    );
    v_claimed := v_claimed || v_handed.ids;
    claimed := nullif(concat_ws(',', claimed, v_handed.jobs), '');
    v_missed := v_missed + v_handed.missed;
    if v_all then
      more := false;
      exit;
    end if;
    v_left := v_left - cardinality(v_handed.ids);
    if v_handed.missed = cardinality(v_ids) then
      -- Clients hold all of it: the types that were not taken from go on.
      for i in 1 .. cardinality(rooms) loop
        if v_rooms[i] < rooms[i] then
          v_rooms[i] := 0;
        end if;
      end loop;
    end if;
    -- Whatever there is to be passed over, a claim of many rounds takes moments.
    v_until := coalesce(v_until, clock_timestamp() + interval '20 milliseconds');
    exit when clock_timestamp() > v_until;
    if (cardinality(v_handed.ids) + v_handed.missed) * 2 < cardinality(v_ids) then
      perform jobtable_internal.sweep(h.lane, h.seq - 1)
      from jobtable_internal.heads(from_lanes, to_lanes, rooms) h;
    end if;
  end loop;

  if looked > cardinality(v_claimed) then
    -- Jobs that are gone have used up the rooms of their types.
    more := exists (
      select from jobtable_internal.heads(from_lanes, to_lanes, rooms)
    );
  end if;
  for i in 1 .. cardinality(v_claimed) by 240 loop
    insert into jobtable_internal.claim (lease, n, worker, claimed_at, ids)
    values (
      claim.lease, i, claim.worker, jobtable_internal.clock(), v_claimed[i : i + 239]
    );
  end loop;
  if not more and looked = 0 and (promises or awaits) then
    if promises then
      -- Also what an earlier call has promised, of types that have no room now.
      perform jobtable_internal.watch(array(
        select jobtable_internal.lane_type(r.lane) from unnest(from_lanes) as r (lane)
      ), 0);
    end if;
    writers := jobtable_internal.open_writers();
    more := exists (
      select from jobtable_internal.heads(from_lanes, to_lanes, rooms)
    );
    next_due_ms := jobtable_internal.next_due();
  elsif promises and not stays then
    -- It does not look at what it has no room left for.
    v_types := '{}';
    for i in 1 .. cardinality(rooms) loop
      if rooms[i] > 0 and (v_rooms[i] <= 0 or cardinality(v_claimed) = slots + prefetch) then
        v_types := v_types || jobtable_internal.lane_type(from_lanes[i]);
      end if;
    end loop;
    perform jobtable_internal.watch(v_types, 0);
  end if;
  if v_missed > 0 or next_due_ms = 0 then
    next_due_ms := jobtable_internal.next_due();
  end if;
end
$$;
