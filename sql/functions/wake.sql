-- Wakes every listening worker when the transaction commits, unless workers are looking at all of
-- these types just now. Equal notifications of one transaction are one. `set jobtable.notify = off`
-- leaves the jobs to polling: PREPARE TRANSACTION needs that.
create or replace function jobtable_internal.wake(type_ids integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('jobtable.notify', true) is distinct from 'off' and exists (
    select from unnest(type_ids) as t (id) where not jobtable_internal.is_watched(t.id)
  ) then
    perform pg_notify('jobtable_ready', '');
  end if;
end
$$;
