create or replace view jobtable.job_report with (security_invoker = true) as
select
  j.id,
  j.type,
  j.status,
  -- In the row, which a claim should not have to clear, it tells of the attempt before.
  case when j.status <> 'started' then j.status_detail end as status_detail,
  coalesce(j.title, j.type || ' ' || j.id) as title,
  j.owner,
  p.fraction,
  p.stage,
  p.message,
  r.value as result,
  e.error_name,
  e.error_message,
  coalesce(j.priority, t.priority) as priority,
  j.paused,
  j.attempt,
  coalesce(j.max_attempts, t.max_attempts) as max_attempts,
  coalesce(j.timeout, t.timeout) as timeout,
  j.key,
  j.created_at,
  j.run_at,
  j.queued_at,
  j.started_at,
  j.finished_at,
  case when isfinite(j.run_at) then
    coalesce(j.started_at, jobtable_internal.transaction_clock())
      - greatest(j.created_at, j.run_at)
  end as wait_time,
  coalesce(j.finished_at, jobtable_internal.transaction_clock()) - j.started_at as run_time,
  j.worker,
  w.host,
  j.cancel_requested,
  j.payload,
  j.properties,
  j.status in ('new', 'queued') as can_cancel,
  j.status = 'started' and not j.cancel_requested as can_terminate,
  j.status in ('completed', 'failed', 'cancelled') and not exists (
    select
    from jobtable.job h
    where h.owner = j.owner and h.type = j.type and h.key = j.key and h.holds_key
  ) as can_resubmit,
  j.status in ('new', 'queued') and not j.paused as can_pause
from jobtable.job j
left join jobtable.job_type t on t.name = j.type
left join jobtable.worker w on w.id = j.worker
left join jobtable.job_progress p on p.job = j.id
left join jobtable.job_result r on r.job = j.id
left join lateral (
  select a.error_name, a.error_message
  from jobtable.job_attempt a
  where a.job = j.id
  order by a.n desc
  limit 1
) e on true;
