-- After every INSERT statement: refuses unknown types and makes the new rows claimable. A statement of
-- no rows (DO NOTHING) does nothing.
create or replace function jobtable_internal.job_inserted() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_types integer[];
  v_known integer;
  v_claimable boolean;
begin
  select array_agg(t.id), count(*)
  into v_types, v_known
  from (select distinct i.type from inserted i) n
  left join jobtable.job_type t on t.name = n.type;
  if v_known = 0 then
    return null;
  elsif array_position(v_types, null) is not null then
    perform jobtable_internal.refuse_unknown_type((
      select i.type
      from inserted i
      where not exists (select from jobtable.job_type t where t.name = i.type)
      limit 1
    ));
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
  v_claimable := found;

  insert into jobtable_internal.due (at, id)
  select i.run_at, i.id
  from inserted i
  where not i.paused and i.run_at > v_now
  on conflict do nothing;

  if v_claimable or found then
    perform jobtable_internal.wake(v_types);
  end if;
  return null;
end
$$;

create or replace trigger job_inserted
after insert on jobtable.job
referencing new table as inserted
for each statement execute function jobtable_internal.job_inserted();
