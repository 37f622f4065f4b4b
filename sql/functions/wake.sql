-- Wakes the listening workers of these types when the transaction commits, but for types at which
-- workers are looking just now. The payload lists the types; if they are too many for it, it is
-- empty, which means all. Equal notifications of one transaction are one. `set jobtable.notify =
-- off` leaves the jobs to polling: PREPARE TRANSACTION needs that.
create or replace function jobtable_internal.wake(type_ids integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id integer;
  v_unwatched text;
begin
  if current_setting('jobtable.notify', true) = 'off' then
    return;
  end if;
  foreach v_id in array type_ids loop
    if jobtable_internal.is_watched(v_id) is not true then
      v_unwatched := concat_ws(',', v_unwatched, v_id);
    end if;
  end loop;
  if v_unwatched is not null then
    perform pg_notify(
      'jobtable_ready', case when length(v_unwatched) < 8000 then v_unwatched else '' end
    );
  end if;
end
$$;
