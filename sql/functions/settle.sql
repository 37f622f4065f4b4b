-- Writes the outcomes that are not plain successes: results, failures with their attempt row,
-- cancellations, and jobs given back. `back` are those that became new again.
create or replace function jobtable_internal.settle(
  outcomes jsonb, now timestamptz, out back bigint[], out locked bigint[], out lost bigint[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  with told as materialized (
    -- The result as it stands there: a record would make SQL's null of JSON's.
    select o.id, o.lease, o.outcome, o.detail, e.value -> 'result' as result, o.error
    from jsonb_array_elements(outcomes) e
    cross join lateral jsonb_to_record(e.value) as o (
      id bigint, lease bigint, outcome text, detail text, error jsonb
    )
  ), locked as materialized (
    select t.*, j.attempt, j.started_at, j.worker, j.status as was,
      -- A job that was asked to stop does not begin anew.
      case
        when t.outcome in ('released', 'returned') and j.cancel_requested then 'cancelled'
        else t.outcome
      end as becomes
    from told t
    join jobtable.job j on j.id = t.id
    where j.lease = t.lease
      and (j.status = 'started' or (j.status = 'queued' and t.outcome in ('released', 'returned')))
    for no key update of j skip locked
  ), mine as (
    select l.*, l.becomes in ('released', 'returned') as goes_back from locked l
  ), written as (
    update jobtable.job j
    set status = case when m.goes_back then 'new' else m.becomes end::jobtable.job_status,
      -- One that is returned has never begun.
      attempt = j.attempt - (m.becomes = 'returned' and m.was = 'started')::integer,
      status_detail = m.detail,
      finished_at = case when not m.goes_back then settle.now end,
      failed_at = case when m.becomes = 'failed' then settle.now end,
      holds_key = j.holds_key and m.goes_back,
      uncharged = j.uncharged + (m.becomes = 'released' and m.was = 'started')::integer,
      queued_at = case when not m.goes_back then j.queued_at end,
      started_at = case when not m.goes_back then j.started_at end,
      worker = case when not m.goes_back then j.worker end,
      lease = case when not m.goes_back then j.lease end
    from mine m
    where j.id = m.id
    returning j.id, j.type, j.status
  ), resulted as (
    insert into jobtable.job_result (job, value)
    select m.id, m.result
    from mine m
    where m.becomes = 'completed' and m.result is not null
    on conflict (job) do update set value = excluded.value
  ), attempted as (
    insert into jobtable.job_attempt (
      job, n, worker, started_at, finished_at, outcome,
      error_name, error_message, error_stack, error_cause
    )
    select m.id, m.attempt, m.worker, m.started_at, settle.now, m.becomes,
      m.error ->> 'name', m.error ->> 'message', m.error ->> 'stack', m.error ->> 'cause'
    from mine m
    where m.becomes not in ('completed', 'returned') and m.was = 'started'
    on conflict (job, n) do update
    set worker = excluded.worker,
      started_at = excluded.started_at,
      finished_at = excluded.finished_at,
      outcome = excluded.outcome,
      error_name = excluded.error_name,
      error_message = excluded.error_message,
      error_stack = excluded.error_stack,
      error_cause = excluded.error_cause
  ), listed as (
    insert into jobtable_internal.finished (type_id, failed, at, ids)
    select (select t.id from jobtable.job_type t where t.name = w.type), w.status = 'failed',
      settle.now, array_agg(w.id)
    from written w
    where w.status <> 'new'
    group by w.type, w.status = 'failed'
  )
  select array_agg(w.id) filter (where w.status = 'new') into back
  from written w;

  select u.locked, u.lost into locked, lost
  from jobtable_internal.unwritten(
    array(select (o ->> 'id')::bigint from jsonb_array_elements(outcomes) o),
    array(select (o ->> 'lease')::bigint from jsonb_array_elements(outcomes) o)
  ) u;
  -- A released job has given up its lease, which is what was asked.
  lost := array(select unnest(lost) except select unnest(back));
end
$$;
