-- Raises what is wrong with a row that a client inserts: a value that only the queue writes, or
-- whose feature does not exist yet, or a value that no job has.
create or replace function jobtable_internal.refuse_insert(job jobtable.job) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text := case
    when job.status <> 'new' then 'status'
    when job.attempt <> 0 then 'attempt'
    when job.uncharged <> 0 then 'uncharged'
    when job.created_at <> jobtable_internal.transaction_clock() then 'created_at'
    -- The clock of the tests, which any client may set.
    when nullif(current_setting('jobtable.now', true), '') is not null
      and row_security_active('jobtable.job'::regclass) then 'created_at'
    when job.queued_at is not null then 'queued_at'
    when job.started_at is not null then 'started_at'
    when job.finished_at is not null then 'finished_at'
    when job.failed_at is not null then 'failed_at'
    when job.worker is not null then 'worker'
    when job.lease is not null then 'lease'
    when job.status_detail is not null then 'status_detail'
    when job.holds_key then 'holds_key'
  end;
begin
  if v_column is not null then
    perform jobtable_internal.refuse_queue_column(v_column);
  end if;
  if job.cancel_requested then
    raise exception using
      errcode = 'JT003',
      message = 'a job cannot be inserted with cancel_requested',
      hint = 'Leave it out: a job is asked to stop by UPDATE, once it has started.';
  end if;
  v_column := jobtable_internal.unsupported_column(job);
  if v_column is not null then
    perform jobtable_internal.refuse_unsupported(v_column);
  end if;
  perform jobtable_internal.refuse_bad_value(job);
end
$$;
