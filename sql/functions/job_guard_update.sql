-- Before a client's UPDATE of a job: what may be steered in which status, resubmission, and
-- everything else refused. The queue's own functions announce themselves by the transaction's
-- setting jobtable.writer, so that their updates never come here.
create or replace function jobtable_internal.job_guard_update() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text;
  v_resubmitted constant boolean := new.status is not distinct from 'new'
    and old.status in ('completed', 'failed', 'cancelled');
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
  end;
  if v_column is not null then
    perform jobtable_internal.refuse_queue_column(v_column);
  end if;

  perform jobtable_internal.refuse_unsupported(jobtable_internal.unsupported_column(new));

  -- An explicit NULL means the default here as it does at INSERT.
  new.payload := coalesce(new.payload, '{}');
  new.properties := coalesce(new.properties, '{}');
  new.run_at := coalesce(new.run_at, jobtable_internal.transaction_clock());
  new.paused := coalesce(new.paused, false);
  new.cancel_requested := coalesce(new.cancel_requested, false);
  perform jobtable_internal.refuse_bad_json(new);
  if new.priority is null and old.priority is not null then
    -- Null would leave it in the lane of the old one: an entry there cannot tell.
    new.priority := (select t.priority from jobtable.job_type t where t.name = new.type);
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

  if v_resubmitted then
    perform jobtable_internal.refuse_held_key(old);
    new.queued_at := null;
    new.started_at := null;
    new.finished_at := null;
    new.failed_at := null;
    new.worker := null;
    new.lease := null;
    new.status_detail := null;
    new.uncharged := old.attempt;
    new.cancel_requested := false;
    if new.run_at = old.run_at then
      new.run_at := jobtable_internal.transaction_clock();
    end if;
    delete from jobtable.job_progress p where p.job = old.id;
    delete from jobtable.job_result r where r.job = old.id;
  else
    perform jobtable_internal.refuse_late_steering(old, new);
  end if;

  if new.status = 'new' and not new.paused and (
    v_resubmitted or old.paused or new.run_at <> old.run_at
    or new.priority is distinct from old.priority
  ) then
    perform jobtable_internal.enqueue_row(new);
  end if;
  return new;
end
$$;

create or replace trigger job_guard_update
before update on jobtable.job
for each row
when (coalesce(current_setting('jobtable.writer', true), '') <> 'queue')
execute function jobtable_internal.job_guard_update();
