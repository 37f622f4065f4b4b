--! requires: is_live
-- What keeps all jobs of a type from being claimed: the type itself, or its workers.
create or replace function jobtable_internal.obstacles(type text)
returns table (reason text, detail text)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  select 'type_disabled', format('type "%s" is disabled', t.name)
  from jobtable.job_type t
  where t.name = obstacles.type and not t.enabled
  union all
  select 'type_paused', format('type "%s" is paused', t.name)
  from jobtable.job_type t
  where t.name = obstacles.type and t.paused
  union all
  select
    case when w.workers = 0 then 'no_worker' else 'busy' end,
    case
      when w.workers = 0 then format('no live worker has an executor of type "%s"', obstacles.type)
      else format('no slot for type "%s" is free (slots: %s, live workers: %s)', obstacles.type,
        b.slots, w.workers)
    end
  from (
    select count(*) as workers, sum(o.capacity) as capacity, sum(o.running) as running,
      sum(least(o.capacity, o.limits[array_position(o.types, obstacles.type)])) as places
    from jobtable.worker o
    where obstacles.type = any (o.types) and jobtable_internal.is_live(o)
  ) w
  cross join lateral (
    select case
      when w.running >= w.capacity then w.capacity
      -- The counts are read only where an executor's own limit is below its worker's.
      when w.places < w.capacity and w.places <= (
        select sum(a.jobs * case
          when a.to_status in ('queued', 'started') then 1 else 0
        end - a.jobs * case
          when a.from_status in ('queued', 'started') then 1 else 0
        end)
        from jobtable.job_type t
        join jobtable_internal.tally a on a.type_id = t.id
        where t.name = obstacles.type
      ) then w.places
    end as slots
  ) b
  where w.workers = 0 or b.slots is not null
$$;
