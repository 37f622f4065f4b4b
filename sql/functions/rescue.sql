-- Takes jobs from a worker that has stopped or is silent for too long: those that had begun lose
-- their attempt, the others go back. `seen_at` is when the caller saw the worker's last sign of
-- life: nothing is done if there was another since (null: of a worker that has stopped or was
-- rescued before). Works through up to about `limit` jobs; `more` tells whether others are left.
-- Jobs that a client has locked are passed over and stay in their receipts.
--
-- A worker that was lost stays under watch for ten minutes: a call of it may have been on its way.
create or replace function jobtable_internal.rescue(
  worker bigint, seen_at timestamptz, "limit" integer, out rescued integer, out more boolean
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set lock_timeout = '200ms'
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_worker jobtable.worker;
  v_writer text;
  v_receipt record;
  v_part record;
  v_error jsonb;
  v_outcomes jsonb;
  v_looked integer := 0;
  v_back bigint[] := '{}';
begin
  rescued := 0;
  more := false;
  select w.* into v_worker
  from jobtable.worker w where w.id = rescue.worker
  for no key update skip locked;
  if not found or (
    coalesce(v_worker.stopped_at, v_worker.lost_at) is null
    and v_worker.seen_at is distinct from rescue.seen_at
  ) then
    return;
  end if;
  v_error := jsonb_build_object('name', 'WorkerLostError', 'message', format(
    'worker lost: worker %s (%s, process %s) was last seen at %s',
    v_worker.id, v_worker.host, v_worker.pid, v_worker.seen_at
  ));
  v_writer := jobtable_internal.write_as_queue();

  for v_receipt in
    select c.lease, c.n, c.ids
    from jobtable_internal.claim c
    where c.worker = rescue.worker and not jobtable_internal.is_fence(c, v_now)
    order by c.lease, c.n
    for update skip locked
  loop
    if v_looked >= "limit" then
      more := true;
      exit;
    end if;
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', j.id, 'lease', j.lease, 'outcome', 'lost', 'error', v_error,
      'detail', v_error ->> 'message'
    )), '[]') into v_outcomes
    from jobtable.job j
    where j.id = any (v_receipt.ids) and j.lease = v_receipt.lease
      and j.status in ('queued', 'started');
    v_part := jobtable_internal.settle(v_outcomes, v_now);
    v_back := v_back || v_part.back;
    rescued := rescued + jsonb_array_length(v_outcomes) - cardinality(v_part.locked);
    -- Those that are locked do not count, lest they keep the others from being looked at.
    v_looked := v_looked + cardinality(v_receipt.ids) - cardinality(v_part.locked);
    if v_part.locked = '{}' then
      delete from jobtable_internal.claim c
      where c.worker = rescue.worker and c.lease = v_receipt.lease and c.n = v_receipt.n;
    else
      update jobtable_internal.claim c set ids = v_part.locked
      where c.worker = rescue.worker and c.lease = v_receipt.lease and c.n = v_receipt.n;
    end if;
  end loop;
  if v_back <> '{}' then
    perform jobtable_internal.give_back(v_back);
  end if;

  update jobtable.worker w
  set running = 0,
    lost_at = case when w.stopped_at is null then coalesce(w.lost_at, v_now) end,
    settled_at = case
      when exists (select from jobtable_internal.claim c where c.worker = rescue.worker) then null
      when coalesce(w.stopped_at, w.lost_at) < v_now - interval '10 minutes' then v_now
    end
  where w.id = rescue.worker;
  v_writer := set_config('jobtable.writer', '', true);
end
$$;
