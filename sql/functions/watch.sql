-- Sets until when nobody need notify of jobs of some types: a worker promises to look at their
-- lanes again within `seconds`; with 0 it takes the promise back; null means that no worker is
-- there to be notified. A commit that notifies waits for every other one that does.
create or replace function jobtable_internal.watch(type_ids integer[], seconds integer) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- In whole seconds, and not less than one.
  v_until constant bigint := case
    when seconds is null then 253402300799 -- the end of the year 9999
    when seconds = 0 then 0
    else ceil(date_part('epoch', clock_timestamp()))::bigint + seconds
  end;
  v_flag regclass;
  v_id integer;
  v_set bigint;
begin
  foreach v_id in array type_ids loop
    v_flag := to_regclass('jobtable_internal.watched_' || v_id);
    if v_flag is not null and pg_sequence_last_value(v_flag) is distinct from v_until then
      v_set := setval(v_flag, v_until);
    end if;
  end loop;
end
$$;
