-- Raises JT008 if a finished job cannot run again because an unfinished one holds its key.
create or replace function jobtable_internal.refuse_held_key(job jobtable.job) returns void
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_holder bigint;
begin
  select j.id into v_holder
  from jobtable.job j
  where j.owner = job.owner and j.type = job.type and j.key = job.key and j.holds_key
    and j.id <> job.id;
  if found then
    raise exception using
      errcode = 'JT008',
      message = format('job %s cannot run again: its key "%s" is held by job %s', job.id,
        job.key, v_holder),
      detail = 'At most one unfinished job holds a key for one owner and type.',
      hint = format('Wait until job %s has finished, or delete it.', v_holder);
  end if;
end
$$;
