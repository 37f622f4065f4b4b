-- Promises to look at the lanes of some types again within a second; or, with `looks` false, takes the
-- promise back. Nobody notifies meanwhile: a commit that notifies waits for every other one that does.
create or replace function jobtable_internal.watch(type_ids integer[], looks boolean) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  select setval(f.flag, case
    -- In whole seconds, and not less than one.
    when looks then ceil(date_part('epoch', clock_timestamp()))::bigint + 1
    else 0
  end)
  from (
    select to_regclass('jobtable_internal.watched_' || t.id) as flag from unnest(type_ids) as t (id)
  ) f
  where f.flag is not null
$$;
