-- Wakes every listening worker when the transaction commits. Equal notifications of one transaction
-- are one. `set jobtable.notify = off` leaves the jobs to polling: PREPARE TRANSACTION needs that.
create or replace function jobtable_internal.wake() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(current_setting('jobtable.notify', true), '') <> 'off' then
    perform pg_notify('jobtable_ready', '');
  end if;
end
$$;
