-- Makes one job claimable by a row that is about to be written.
create or replace function jobtable_internal.enqueue_row(job jobtable.job) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if job.run_at > jobtable_internal.clock() then
    insert into jobtable_internal.due (at, id) values (job.run_at, job.id) on conflict do nothing;
  else
    insert into jobtable_internal.ready (lane, ids)
    select jobtable_internal.lane(t.id, coalesce(job.priority, t.priority)), array[job.id]
    from jobtable.job_type t
    where t.name = job.type;
  end if;
  perform jobtable_internal.wake();
end
$$;
