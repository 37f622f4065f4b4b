-- Makes one job claimable by what its row says, in the transaction that has changed it. An entry of
-- `due` that is there already is locked: a promotion would take it away and go by the row as it
-- was.
create or replace function jobtable_internal.enqueue_row(job jobtable.job) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type jobtable.job_type;
begin
  select t.* into v_type from jobtable.job_type t where t.name = job.type;
  if job.run_at > jobtable_internal.clock() then
    insert into jobtable_internal.due (at, id) values (job.run_at, job.id)
    on conflict on constraint due_pkey do update set id = excluded.id;
  else
    insert into jobtable_internal.ready (lane, ids)
    values (
      jobtable_internal.lane(v_type.id, coalesce(job.priority, v_type.priority)), array[job.id]
    );
  end if;
  perform jobtable_internal.wake(array[v_type.id]);
end
$$;
