-- Wakes every listening worker when the transaction commits, unless workers are looking at all of
-- these types just now. Equal notifications of one transaction are one. `set jobtable.notify = off`
-- leaves the jobs to polling: PREPARE TRANSACTION needs that.
create or replace function jobtable_internal.wake(type_ids integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id integer;
begin
  if current_setting('jobtable.notify', true) = 'off' then
    return;
  end if;
  foreach v_id in array type_ids loop
    if jobtable_internal.is_watched(v_id) is not true then
      perform pg_notify('jobtable_ready', '');
      return;
    end if;
  end loop;
end
$$;
