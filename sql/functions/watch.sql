-- Promises to look at the lanes of some types again within so many milliseconds; 0 takes the promise
-- back. Nobody notifies meanwhile: a commit that notifies waits for every other one that does.
create or replace function jobtable_internal.watch(type_ids integer[], ms integer) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  select setval(f.flag, case
    when ms > 0 then (date_part('epoch', clock_timestamp()) * 1000000)::bigint + ms * 1000
    else 0
  end)
  from (
    select to_regclass('jobtable_internal.watched_' || t.id) as flag from unnest(type_ids) as t (id)
  ) f
  where f.flag is not null
$$;
