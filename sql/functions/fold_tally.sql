-- Makes one row for each type and status out of a long list of changes, and answers how many rows
-- it took. Where somebody else is at it, or the list is short, it does nothing: reading a thousand
-- rows costs less than writing them anew again and again.
create or replace function jobtable_internal.fold_tally() returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  c_most constant integer := 100000;
  v_folded integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('jobtable: tally', 0)) or (
    select count(*) from jobtable_internal.tally
  ) < 1000 + 12 * (
    -- The rows that are left when all is folded are at most half of it.
    select count(*) from jobtable.job_type
  ) then
    return 0;
  end if;
  with folded as (
    delete from jobtable_internal.tally c
    where c.ctid = any (array(select o.ctid from jobtable_internal.tally o limit c_most))
    returning c.type_id, c.from_status, c.to_status, c.jobs
  ), summed as (
    select f.type_id, s.status, sum(s.jobs) as jobs
    from (
      select o.type_id, o.from_status, o.to_status, sum(o.jobs) as jobs
      from folded o
      group by o.type_id, o.from_status, o.to_status
    ) f
    cross join lateral (
      values (f.from_status, -f.jobs), (f.to_status, f.jobs)
    ) as s (status, jobs)
    where s.status is not null
    group by f.type_id, s.status
    having sum(s.jobs) <> 0
  ), kept as (
    insert into jobtable_internal.tally (type_id, to_status, jobs)
    select s.type_id, s.status, s.jobs
    from summed s
  )
  select count(*) into v_folded from folded;
  return v_folded;
end
$$;
