-- After every INSERT statement: refuses unknown types and makes the new rows claimable, in one pass
-- over the transition table per question. A statement of no rows (DO NOTHING) does nothing.
create or replace function jobtable_internal.job_inserted() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_unknown text;
begin
  select i.type into v_unknown
  from inserted i
  where not exists (select from jobtable.job_type t where t.name = i.type)
  limit 1;
  if found then
    perform jobtable_internal.refuse_unknown_type(v_unknown);
  end if;

  insert into jobtable_internal.ready (lane, ids)
  select r.lane, array_agg(r.id order by r.n)
  from (
    select w.id, w.lane, row_number() over (partition by w.lane order by w.id) as n
    from (
      select i.id, jobtable_internal.lane(t.id, coalesce(i.priority, t.priority)) as lane
      from inserted i
      join jobtable.job_type t on t.name = i.type
      where not i.paused and i.run_at <= v_now
    ) w
  ) r
  group by r.lane, (r.n - 1) / 240
  order by min(r.id);
  if found then
    perform jobtable_internal.wake();
  end if;

  insert into jobtable_internal.due (at, id)
  select i.run_at, i.id
  from inserted i
  where not i.paused and i.run_at > v_now
  on conflict do nothing;
  if found then
    perform jobtable_internal.wake();
  end if;

  return null;
end
$$;

create or replace trigger job_inserted
after insert on jobtable.job
referencing new table as inserted
for each statement execute function jobtable_internal.job_inserted();
