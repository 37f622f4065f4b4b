create or replace function jobtable.why_waiting(id bigint)
returns table (reason text, detail text, until timestamptz, ahead bigint)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := jobtable_internal.clock();
  v_job jobtable.job;
  v_holder integer;
begin
  select j.* into v_job from jobtable.job j where j.id = why_waiting.id;
  if v_job.status is distinct from 'new' then
    return query select
      coalesce(v_job.status::text, 'unknown'),
      case
        when v_job.status is null then format('there is no job %s', id)
        when v_job.status = 'queued' then
          format('worker %s holds it until a slot is free', v_job.worker)
        when v_job.status = 'started' then format('worker %s has started it', v_job.worker)
        else format('it is %s', v_job.status)
      end,
      null::timestamptz, null::bigint;
    return;
  end if;

  -- What others do is not for everybody, where owners are kept apart.
  if has_function_privilege('jobtable_internal.lock_holder(bigint)', 'execute') then
    v_holder := jobtable_internal.lock_holder(id);
    ahead := jobtable_internal.jobs_ahead(v_job);
  end if;
  return query
    select 'paused', 'the job is paused', null::timestamptz, null::bigint
    where v_job.paused
    union all
    select
      case when v_job.attempt > v_job.uncharged then 'backoff' else 'time' end,
      case when v_job.attempt > v_job.uncharged then
        format('attempt %s did not succeed; the next comes later', v_job.attempt)
      else 'its run_at is in the future' end,
      v_job.run_at, null
    where v_job.run_at > v_now
    union all
    select 'locked', format('the open transaction of session %s holds its row', v_holder), null,
      null
    where v_holder is not null
    union all
    select o.reason, o.detail, null, case when o.reason = 'busy' then ahead end
    from jobtable_internal.obstacles(v_job.type) o;
  if not found then
    reason := case when ahead > 0 then 'ahead' else 'ready' end;
    detail := case
      when ahead = 1 then 'about 1 job of its type is claimed first'
      when ahead > 0 then format('about %s jobs of its type are claimed first', ahead)
      else 'nothing keeps it: a worker claims it in a moment'
    end;
    return next;
  end if;
end
$$;

comment on function jobtable.why_waiting(bigint) is
  'Why a job does not run: one row for each reason.

paused; time (run_at is in the future: until); backoff (the same after a failed attempt); locked
(a client''s open transaction holds the row); type_paused; type_disabled; no_worker (no live
worker has its executor); busy (all slots that they have for its type are taken; about so many
jobs of its type are ahead); ahead (others of its type come first); ready (nothing keeps it). A job
that does not wait has its status as the reason: queued, started, completed, failed, cancelled; or
unknown. Reads no other job.';
