-- Whether a worker has promised to look at a type's lanes within moments, so that a transaction that
-- makes jobs of it claimable need not notify. A promise for longer than a second comes from a clock
-- that has been set back.
create or replace function jobtable_internal.is_watched(type_id integer) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(w.until_us - w.now_us between 0 and 1000000, false)
  from (
    select pg_sequence_last_value(to_regclass('jobtable_internal.watched_' || type_id)) as until_us,
      (date_part('epoch', clock_timestamp()) * 1000000)::bigint as now_us
  ) w
$$;
