-- After every DELETE statement: counts what is gone.
create or replace function jobtable_internal.job_deleted() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into jobtable_internal.tally (type_id, from_status, jobs)
  select t.id, d.status, d.jobs
  from (select o.type, o.status, count(*) as jobs from deleted o group by o.type, o.status) d
  join jobtable.job_type t on t.name = d.type;
  return null;
end
$$;

create or replace trigger job_deleted
after delete on jobtable.job
referencing old table as deleted
for each statement execute function jobtable_internal.job_deleted();
