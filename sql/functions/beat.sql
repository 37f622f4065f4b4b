-- A worker's sign of life, for the process and not for each job: it takes part from `alive` on
-- only. What it is answered:
--   known: its row is there
--   was_lost: it was silent for so long that others have given its jobs to themselves. It lives
--     again from now on, and asks what it still holds: see check_held
--   cancels: those of its jobs that a client has asked to stop, in case the notification was lost:
--     see asked_to_stop
--   timeouts: of its types that have one, in milliseconds by name, as they are now
--   silent: other workers that have missed a sign of life: {id, seen_at, hung_up (the session in
--     which it listened has ended), heartbeat_ms, lease_ms}. Whoever sees one stay so for long
--     enough rescues its jobs: the clock of the database alone does not tell, since it may be set
--     while everybody lives
--   orphans: workers that stopped or were lost and have left jobs behind: see rescue
-- The receipts of leases that it has `closed`, because nothing is held under them any more, are
-- dropped; those that are `doubtful` only if the jobs say the same. Fences stay: see is_fence.
create or replace function jobtable_internal.beat(
  worker bigint, running integer, listens boolean, held bigint[], closed bigint[],
  doubtful bigint[],
  out known boolean, out was_lost boolean, out cancels jsonb, out timeouts jsonb,
  out silent jsonb, out orphans bigint[]
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_worker jobtable.worker;
begin
  select w.* into v_worker
  from jobtable.worker w where w.id = beat.worker
  for no key update skip locked;
  if found then
    update jobtable.worker w
    set seen_at = v_now, running = beat.running,
      -- Only a session that can be seen can be missed.
      listens = beat.listens and (w.listens or w.id::text = any (jobtable_internal.listeners())),
      lost_at = null, settled_at = null
    where w.id = beat.worker;
  else
    -- A rescue may have the row: what comes of that the next sign of life is told.
    select w.* into v_worker from jobtable.worker w where w.id = beat.worker;
  end if;
  known := v_worker.id is not null;
  was_lost := v_worker.lost_at is not null;

  delete from jobtable_internal.claim c
  where c.worker = beat.worker and not jobtable_internal.is_fence(c, v_now) and (
    c.ids = '{}' or c.lease = any (closed) or (
      c.lease = any (doubtful) and not exists (
        select
        from jobtable.job j
        where j.id = any (c.ids) and j.lease = c.lease and j.status in ('queued', 'started')
      )
    )
  );

  cancels := jobtable_internal.asked_to_stop(held);
  select jsonb_object_agg(t.name, jobtable_internal.milliseconds(t.timeout)) into timeouts
  from jobtable.job_type t
  where t.name = any (v_worker.types) and t.timeout is not null;

  select
    jsonb_agg(
      jsonb_build_object(
        'id', w.id::text, 'seen_at', w.seen_at::text,
        -- Its process has ended, most likely. A server that has started since has ended all
        -- sessions, and that tells nothing.
        'hung_up', w.listens and w.seen_at > pg_postmaster_start_time()
          and w.id::text <> all ((select jobtable_internal.listeners())::text[]),
        'heartbeat_ms', w.heartbeat_ms, 'lease_ms', w.lease_ms
      )
    ) filter (where w.stopped_at is null and w.lost_at is null),
    array_agg(w.id) filter (where coalesce(w.stopped_at, w.lost_at) is not null)
  into silent, orphans
  from jobtable.worker w
  where w.id <> beat.worker and w.settled_at is null and case
    when coalesce(w.stopped_at, w.lost_at) is null then
      w.seen_at not between v_now - w.heartbeat_ms * interval '1.25 milliseconds'
        and v_now + w.heartbeat_ms * interval '1 millisecond'
    else
      coalesce(w.stopped_at, w.lost_at) < v_now - interval '10 minutes'
      or exists (
        select
        from jobtable_internal.claim c
        where c.worker = w.id and not jobtable_internal.is_fence(c, v_now)
      )
  end;
end
$$;
