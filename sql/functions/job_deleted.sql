-- After every DELETE statement: counts what is gone. The guard of INSERT takes for new what was
-- drawn last, by this session or by any: if that is gone, another number is drawn, so that nobody
-- can use it again; nor may the statement itself have done so.
create or replace function jobtable_internal.job_deleted() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last constant bigint[] := array[
    pg_sequence_last_value('jobtable.job_id_seq'::regclass), jobtable_internal.last_drawn()
  ];
  v_again bigint;
begin
  if exists (select from deleted o where o.id = any (v_last)) then
    perform nextval('jobtable.job_id_seq'::regclass);
    select j.id into v_again
    from jobtable.job j
    where j.id = any (v_last) and j.id in (select o.id from deleted o);
    if found then
      perform jobtable_internal.refuse_id(v_again);
    end if;
  end if;

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
