-- Promises to look at the lanes of some types again within a second; or, with `looks` false, takes the
-- promise back. Nobody notifies meanwhile: a commit that notifies waits for every other one that does.
create or replace function jobtable_internal.watch(type_ids integer[], looks boolean) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- In whole seconds, and not less than one.
  v_until constant bigint := case
    when looks then ceil(date_part('epoch', clock_timestamp()))::bigint + 1 else 0
  end;
  v_flag regclass;
  v_id integer;
  v_set bigint;
begin
  foreach v_id in array type_ids loop
    v_flag := to_regclass('jobtable_internal.watched_' || v_id);
    if v_flag is not null then
      v_set := setval(v_flag, v_until);
    end if;
  end loop;
end
$$;
