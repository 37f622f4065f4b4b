create or replace view jobtable.job_counts as
select t.name as type, s.status, sum(s.jobs)::bigint as count
from (
  -- Few rows are left for all that follows.
  select a.type_id, a.from_status, a.to_status, sum(a.jobs) as jobs
  from jobtable_internal.tally a
  group by a.type_id, a.from_status, a.to_status
) c
cross join lateral (values (c.from_status, -c.jobs), (c.to_status, c.jobs)) as s (status, jobs)
join jobtable.job_type t on t.id = c.type_id
where s.status is not null
group by t.name, s.status
having sum(s.jobs) <> 0;
