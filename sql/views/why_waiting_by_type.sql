--! requires: job_counts
create or replace view jobtable.why_waiting_by_type as
select c.type, c.count as waiting, o.reason, o.detail
from jobtable.job_counts c
join jobtable.job_type t on t.name = c.type
cross join lateral (
  select b.reason, b.detail
  from jobtable_internal.obstacles(c.type) b
  union all
  select 'later', 'all of them are paused or due later'
  where not exists (
    select
    from jobtable_internal.ready r
    where r.lane between jobtable_internal.lane(t.id, (-32768)::smallint)
      and jobtable_internal.lane(t.id, 32767::smallint)
  )
) o
where c.status = 'new';
