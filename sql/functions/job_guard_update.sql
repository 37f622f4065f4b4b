-- After a client's UPDATE of a job: what may be steered in which status, resubmission, and
-- everything else refused. The queue's own functions announce themselves by the transaction's
-- setting jobtable.writer, so that their updates never come here. It is not a BEFORE trigger, since
-- for one PostgreSQL locks each row that anybody updates, the queue too, in a step of its own.
create or replace function jobtable_internal.job_guard_update() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text;
  v_resubmitted constant boolean := new.status is not distinct from 'new'
    and old.status in ('completed', 'failed', 'cancelled');
  v_job jobtable.job := new;
  -- The queue's, if one of its writes has fired a user's trigger that writes this.
  v_writer constant text := coalesce(current_setting('jobtable.writer', true), '');
begin
  v_column := case
    when new.id is distinct from old.id then 'id'
    when new.type is distinct from old.type then 'type'
    when new.owner is distinct from old.owner then 'owner'
    when new.key is distinct from old.key then 'key'
  end;
  if v_column is not null then
    raise exception using
      errcode = 'JT009',
      message = format('column "%s" of job %s is fixed at INSERT', v_column, old.id),
      hint = 'Delete the job and insert another.';
  end if;

  if new.status is distinct from old.status and not v_resubmitted then
    raise exception using
      errcode = 'JT005',
      message = format('job %s is %s and cannot be made %s by UPDATE', old.id, old.status,
        coalesce(new.status::text, 'null')),
      detail = 'The queue alone writes the status, but for completed, failed or cancelled → new.',
      hint = case
        when old.status in ('completed', 'failed', 'cancelled') then
          format('To run it again: update jobtable.job set status = ''new'' where id = %s', old.id)
        when old.status = 'started' then
          format('To stop it: update jobtable.job set cancel_requested = true where id = %s',
            old.id)
        else format('To cancel it: delete from jobtable.job where id = %s', old.id)
      end;
  end if;

  v_column := case
    when new.attempt is distinct from old.attempt then 'attempt'
    when new.uncharged is distinct from old.uncharged then 'uncharged'
    when new.created_at is distinct from old.created_at then 'created_at'
    when new.queued_at is distinct from old.queued_at then 'queued_at'
    when new.started_at is distinct from old.started_at then 'started_at'
    when new.finished_at is distinct from old.finished_at then 'finished_at'
    when new.failed_at is distinct from old.failed_at then 'failed_at'
    when new.worker is distinct from old.worker then 'worker'
    when new.lease is distinct from old.lease then 'lease'
    when new.status_detail is distinct from old.status_detail then 'status_detail'
    when new.holds_key is distinct from old.holds_key then 'holds_key'
  end;
  if v_column is not null then
    perform jobtable_internal.refuse_queue_column(v_column);
  end if;

  v_column := jobtable_internal.unsupported_column(new);
  if v_column is not null then
    perform jobtable_internal.refuse_unsupported(v_column);
  end if;

  perform jobtable_internal.refuse_bad_value(new);
  if new.payload is distinct from old.payload
    and not jobtable_internal.check_payload(new.type, new.payload)
  then
    perform jobtable_internal.refuse_payload(new.type, new.payload, format('job %s', new.id));
  end if;

  if new.cancel_requested and not old.cancel_requested then
    perform jobtable_internal.request_cancel(old.id, old.status);
  elsif old.cancel_requested and not new.cancel_requested and old.status = 'started' then
    raise exception using
      errcode = 'JT005',
      message = format('job %s was asked to stop already', old.id),
      detail = 'Its executor may have been told.',
      hint = 'Resubmit it once it has stopped.';
  end if;

  if new.priority is null and old.priority is not null then
    -- Null would leave it in the lane of the old one: an entry there cannot tell.
    v_job.priority := (select t.priority from jobtable.job_type t where t.name = new.type);
  end if;
  if v_resubmitted then
    perform jobtable_internal.refuse_held_key(old);
    v_job.holds_key := new.key is not null;
    v_job.queued_at := null;
    v_job.started_at := null;
    v_job.finished_at := null;
    v_job.failed_at := null;
    v_job.worker := null;
    v_job.lease := null;
    v_job.status_detail := null;
    v_job.uncharged := old.attempt;
    v_job.cancel_requested := false;
    if new.run_at = old.run_at then
      v_job.run_at := jobtable_internal.transaction_clock();
    end if;
    insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
    select t.id, old.status, 'new', 1
    from jobtable.job_type t
    where t.name = old.type;
    delete from jobtable.job_progress p where p.job = old.id;
    delete from jobtable.job_result r where r.job = old.id;
    delete from jobtable.job_cancel c where c.job = old.id;
  else
    perform jobtable_internal.refuse_late_steering(old, v_job);
  end if;
  if v_job is distinct from new then
    perform jobtable_internal.write_as_queue();
    update jobtable.job j
    set holds_key = v_job.holds_key,
      queued_at = v_job.queued_at,
      started_at = v_job.started_at,
      finished_at = v_job.finished_at,
      failed_at = v_job.failed_at,
      worker = v_job.worker,
      lease = v_job.lease,
      status_detail = v_job.status_detail,
      uncharged = v_job.uncharged,
      cancel_requested = v_job.cancel_requested,
      run_at = v_job.run_at,
      priority = v_job.priority
    where j.id = new.id;
    perform set_config('jobtable.writer', v_writer, true);
  end if;

  if new.status = 'new' and not new.paused and (
    v_resubmitted or old.paused or new.run_at <> old.run_at
    or v_job.priority is distinct from old.priority
  ) then
    perform jobtable_internal.enqueue_row(v_job);
  end if;
  return null;
end
$$;

create or replace trigger job_guard_update
after update on jobtable.job
for each row
-- writer_at, written out: a call would be read and planned anew for each statement.
when (
  current_setting('jobtable.writer', true) is distinct from
    case pg_trigger_depth() when 0 then 'queue' else 'queue ' || pg_trigger_depth() end
)
execute function jobtable_internal.job_guard_update();
