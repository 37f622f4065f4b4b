-- Writes the outcomes that are not plain successes, each with the row of its attempt if that was
-- not one: results, jobs given back, and attempts that failed, timed out or were lost, after which
-- the job runs again if attempts are left. `back` are those that became new.
create or replace function jobtable_internal.settle(
  outcomes jsonb, now timestamptz, out back bigint[], out locked bigint[], out lost bigint[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  with told as materialized (
    -- The result as it stands there: a record would make SQL's null of JSON's.
    select o.id, o.lease, o.outcome, o.detail, e.value -> 'result' as result, o.error,
      coalesce(o.permanent, false) as permanent,
      -- A thousand years is for ever, and within the range of timestamps.
      case when o.delay_ms > 3.2e13 then 3.2e13 else o.delay_ms end
        * interval '1 millisecond' as delay
    from jsonb_array_elements(outcomes) e
    cross join lateral jsonb_to_record(e.value) as o (
      id bigint, lease bigint, outcome text, detail text, error jsonb, permanent boolean,
      delay_ms double precision
    )
  ), locked as materialized (
    select t.*, j.attempt, j.uncharged, j.started_at, j.worker, j.cancel_requested, j.type,
      j.max_attempts, j.status = 'started' as had_begun
    from told t
    join jobtable.job j on j.id = t.id
    where j.lease = t.lease and (
      j.status = 'started'
      or (j.status = 'queued' and t.outcome in ('released', 'returned', 'lost'))
    )
    for no key update of j skip locked
  ), judged as (
    select l.*, t as of_type,
      l.outcome in ('failed', 'timed_out', 'lost') and l.had_begun as went_wrong,
      l.outcome in ('returned', 'snoozed') or not l.had_begun as was_none,
      l.outcome in ('released', 'returned', 'snoozed') or not l.had_begun or (
        l.outcome in ('failed', 'timed_out', 'lost') and not l.permanent
        and l.attempt - l.uncharged < coalesce(l.max_attempts, t.max_attempts)
      ) as may_go_back
    from locked l
    join jobtable.job_type t on t.name = l.type
  ), mine as materialized (
    select g.*, case
        -- A job that was asked to stop does not begin anew.
        when g.may_go_back and not g.cancel_requested then 'new'
        when g.may_go_back or (g.cancel_requested and g.went_wrong) then 'cancelled'
        when g.went_wrong then 'failed'
        else g.outcome
      end::jobtable.job_status as status
    from judged g
  ), written as (
    update jobtable.job j
    set status = m.status,
      attempt = j.attempt - (m.status = 'new' and m.was_none and m.had_begun)::integer,
      uncharged = j.uncharged + (
        m.status = 'new' and m.outcome = 'released' and m.had_begun
      )::integer,
      run_at = case
        when m.status <> 'new' or m.outcome in ('released', 'returned', 'lost') then j.run_at
        else settle.now + coalesce(
          m.delay, jobtable_internal.backoff(m.of_type, m.attempt - m.uncharged)
        )
      end,
      -- A job that runs again keeps why it last went wrong; what never began did not.
      status_detail = case
        when m.status = 'new' then
          coalesce(case when m.had_begun then m.detail end, j.status_detail)
        else m.detail
      end,
      finished_at = case when m.status <> 'new' then settle.now end,
      failed_at = case when m.status = 'failed' then settle.now end,
      holds_key = j.holds_key and m.status = 'new',
      queued_at = case when m.status <> 'new' then j.queued_at end,
      started_at = case when m.status <> 'new' then j.started_at end,
      worker = case when m.status <> 'new' then j.worker end,
      lease = case when m.status <> 'new' then j.lease end
    from mine m
    where j.id = m.id
    returning j.id, (m.of_type).id as type_id, m.had_begun, j.status
  ), resulted as (
    insert into jobtable.job_result (job, value)
    select m.id, m.result
    from mine m
    where m.status = 'completed' and m.result is not null
    on conflict (job) do update set value = excluded.value
  ), attempted as (
    insert into jobtable.job_attempt (
      job, n, worker, started_at, finished_at, outcome,
      error_name, error_message, error_stack, error_cause
    )
    select m.id, m.attempt, m.worker, m.started_at, settle.now,
      case when m.status = 'cancelled' then 'cancelled' else m.outcome end,
      m.error ->> 'name', m.error ->> 'message', m.error ->> 'stack', m.error ->> 'cause'
    from mine m
    where m.had_begun and m.status <> 'completed' and not (m.status = 'new' and m.was_none)
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
    select w.type_id, w.status = 'failed', settle.now, array_agg(w.id)
    from written w
    where w.status <> 'new'
    group by w.type_id, w.status = 'failed'
  ), counted as (
    insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
    select w.type_id, case when w.had_begun then 'started' else 'queued' end::jobtable.job_status,
      w.status, count(*)
    from written w
    group by w.type_id, w.had_begun, w.status
  )
  select array_agg(w.id) filter (where w.status = 'new') into back
  from written w;

  select u.locked, u.lost into locked, lost
  from (
    select array_agg((o ->> 'id')::bigint) as ids, array_agg((o ->> 'lease')::bigint) as leases,
      array_agg(o ->> 'outcome') as outcomes
    from jsonb_array_elements(outcomes) o
  ) t, jobtable_internal.unwritten(t.ids, t.leases, t.outcomes) u;
  -- What went back has given up its lease, which is what was asked.
  lost := array(select unnest(lost) except select unnest(back));
end
$$;
