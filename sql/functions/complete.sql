-- The last statement of an executor's own transaction: its job completes when that commits, or not
-- at all: not if the lease is lost, and not if a client has asked it to stop before. It waits for a
-- lock on the job's row, and so does only this job.
create or replace function jobtable_internal.complete(
  id bigint, lease bigint, result jsonb
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_type text;
begin
  perform jobtable_internal.write_as_queue();
  update jobtable.job j
  set status = 'completed', status_detail = null, finished_at = v_now, holds_key = false
  where j.id = complete.id and j.lease = complete.lease and j.status = 'started'
    and not j.cancel_requested
  returning j.type into v_type;
  if not found then
    perform
    from jobtable.job j
    where j.id = complete.id and j.lease = complete.lease and j.status = 'started';
    if found then
      raise exception using
        errcode = 'JT018',
        message = format('job %s was asked to stop: its transaction is not committed', id),
        hint = 'Stop working on it.';
    end if;
    perform jobtable_internal.refuse_lost_lease(id);
  end if;
  if result is not null then
    insert into jobtable.job_result (job, value) values (complete.id, complete.result)
    on conflict (job) do update set value = excluded.value;
  end if;
  insert into jobtable_internal.finished (type_id, failed, at, ids)
  select t.id, false, v_now, array[complete.id]
  from jobtable.job_type t
  where t.name = v_type;
  insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
  select t.id, 'started', 'completed', 1
  from jobtable.job_type t
  where t.name = v_type;
  perform set_config('jobtable.writer', '', true);
end
$$;
