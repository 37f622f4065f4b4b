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
      else format('all %s slots of the %s live workers of type "%s" are taken', w.capacity,
        w.workers, obstacles.type)
    end
  from (
    select count(*) as workers, sum(o.capacity) as capacity, sum(o.running) as running
    from jobtable.worker o
    where obstacles.type = any (o.types) and jobtable_internal.is_live(o)
  ) w
  where w.workers = 0 or w.running >= w.capacity
$$;
