-- What a worker sends instead of a tick when a job has woken it: claims the jobs of the one entry
-- in all ranges, if there is room for them. Anything else is left to a tick: the answer is null
-- then. One statement does it all, since a tick's many are a fifth of the time from an INSERT to
-- the executor's first line.
create or replace function jobtable_internal.claim_lone(
  worker bigint, lease bigint,
  from_lanes bigint[], to_lanes bigint[], rooms integer[], slots integer,
  out claimed text, out looked integer
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
set lock_timeout = '1ms'
as $$
declare
  v_taken bigint[];
  v_ids bigint[];
  v_lane bigint;
  v_now timestamptz;
  v_writer text := jobtable_internal.write_as_queue();
begin
  with head as materialized (
    select h.*
    from jobtable_internal.heads(from_lanes, to_lanes, rooms) h
    limit 2
  ), lone as materialized (
    select h.lane, h.seq, least(slots, rooms[h.range]) as room
    from head h
    where h.alone and (select count(*) from head) = 1
      and jobtable_internal.is_at_work(claim_lone.worker)
  ), entry as materialized (
    -- The clock is read when the entry is seen: no job starts before it was created.
    select q.ctid as place, q.lane, q.ids, jobtable_internal.clock() as now
    from jobtable_internal.ready q
    where q.lane = (select l.lane from lone l) and q.seq = (select l.seq from lone l)
      and cardinality(q.ids) <= (select l.room from lone l)
    for update skip locked
  ), gone as (
    delete from jobtable_internal.ready q
    where q.ctid = (select e.place from entry e)
  ), handed as (
    update jobtable.job j
    set status = 'started', attempt = j.attempt + 1, queued_at = e.now, started_at = e.now,
      worker = claim_lone.worker, lease = claim_lone.lease
    from entry e
    where j.id = any ((select l.ids from entry l)::bigint[])
      and jobtable_internal.may_run(j, jobtable_internal.lane_priority(e.lane), e.now)
    returning j.id, jobtable_internal.handed(j, null, null) as job
  ), listed as materialized (
    select array_agg(h.id order by h.id) as ids, string_agg(h.job, ',' order by h.id) as jobs
    from handed h
  ), receipt as (
    insert into jobtable_internal.claim (worker, lease, claimed_at, ids)
    select claim_lone.worker, claim_lone.lease, e.now, l.ids
    from entry e, listed l
    where l.ids is not null
  ), counted as (
    insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
    select jobtable_internal.lane_type(e.lane), 'new', 'started', cardinality(l.ids)
    from entry e, listed l
    where l.ids is not null
  )
  select jobtable_internal.batch(lease, e.now, null, null, l.jobs), e.ids, l.ids, e.lane, e.now
  into claimed, v_taken, v_ids, v_lane, v_now
  from entry e, listed l;

  looked := cardinality(v_taken);
  if v_ids is distinct from v_taken then
    perform jobtable_internal.look_again(
      v_taken, v_ids, jobtable_internal.lane_priority(v_lane), v_now, 0
    );
  end if;
  v_writer := set_config('jobtable.writer', '', true);
exception when lock_not_available then
  -- A client holds one of them; nothing was taken.
  v_writer := set_config('jobtable.writer', '', true);
end
$$;
