-- After a type may be claimed from again: wakes the workers, who have passed its jobs over.
create or replace function jobtable_internal.job_type_resumed() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('jobtable.notify', true) is distinct from 'off' then
    perform pg_notify('jobtable_ready', new.id::text);
  end if;
  return null;
end
$$;

create or replace trigger job_type_resumed
after update on jobtable.job_type
for each row
when ((old.paused or not old.enabled) and new.enabled and not new.paused)
execute function jobtable_internal.job_type_resumed();
