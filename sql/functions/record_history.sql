-- After every statement that writes jobs, while any type keeps a history: records what it did to
-- jobs of such types. Its triggers are there only then; see observe_jobs. Who is bound by policies
-- is told by the argument `client`, and then neither announces itself as the queue nor sets the
-- clock. A tick allows nested loops alone, by which to join what was with what is takes a hundred
-- microseconds a job.
create or replace function jobtable_internal.record_history() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = on
as $$
declare
  v_by_client constant boolean := tg_nargs > 0;
  v_now constant timestamptz :=
    case when v_by_client then clock_timestamp() else jobtable_internal.clock() end;
  v_by_queue constant boolean := not v_by_client and jobtable_internal.is_queue_writing();
  v_actor constant text := case when v_by_queue then 'queue' else jobtable_internal.actor() end;
begin
  if tg_op = 'INSERT' then
    insert into jobtable.job_event (job, at, actor, type, owner, to_status)
    select a.id, v_now, v_actor, a.type, a.owner, a.status
    from after_rows a
    join jobtable.job_type t on t.name = a.type
    where t.history;
  elsif tg_op = 'DELETE' then
    insert into jobtable.job_event (job, at, actor, type, owner, from_status)
    select b.id, v_now, v_actor, b.type, b.owner, b.status
    from before_rows b
    join jobtable.job_type t on t.name = b.type
    where t.history;
  else
    insert into jobtable.job_event (
      job, at, actor, type, owner, from_status, to_status, detail
    )
    select a.id, v_now,
      case when v_by_queue then coalesce('worker ' || coalesce(a.worker, b.worker), v_actor)
        else v_actor end,
      a.type, a.owner, b.status, a.status, e.detail
    from before_rows b
    join after_rows a on a.id = b.id
    join jobtable.job_type t on t.name = a.type
    cross join lateral (
      select case
        when v_by_queue then jsonb_strip_nulls(jsonb_build_object(
          'attempt', a.attempt, 'status_detail', a.status_detail
        ))
        else jobtable_internal.edited(b, a)
      end as detail
    ) e
    -- The queue's own changes beside the status (a resubmitted job's times) are none.
    where t.history and (a.status <> b.status or (not v_by_queue and e.detail is not null));
  end if;
  return null;
end
$$;
