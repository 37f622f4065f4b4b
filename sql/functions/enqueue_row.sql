-- Makes one job claimable by what its row says.
create or replace function jobtable_internal.enqueue_row(job jobtable.job) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type jobtable.job_type;
begin
  select t.* into v_type from jobtable.job_type t where t.name = job.type;
  if job.run_at > jobtable_internal.clock() then
    insert into jobtable_internal.due (at, id) values (job.run_at, job.id) on conflict do nothing;
  else
    insert into jobtable_internal.ready (lane, ids)
    values (
      jobtable_internal.lane(v_type.id, coalesce(job.priority, v_type.priority)), array[job.id]
    );
  end if;
  perform jobtable_internal.wake(array[v_type.id]);
end
$$;
