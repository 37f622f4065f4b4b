--! requires: is_ordinary
-- After every INSERT statement: refuses rows that are not a job's, or of unknown types, and makes the
-- others claimable. A statement of no rows (DO NOTHING) does nothing.
create or replace function jobtable_internal.job_inserted() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_types integer[];
  v_ordinary boolean;
  v_later boolean;
  v_claimable boolean;
begin
  -- Most statements insert one row, due at once: for these one query does it all.
  insert into jobtable_internal.ready (lane, ids)
  select jobtable_internal.lane(t.id, coalesce(i.priority, t.priority)), array[i.id]
  from inserted i
  join jobtable.job_type t on t.name = i.type
  where not exists (select from inserted offset 1)
    and jobtable_internal.is_ordinary(i) and not i.paused and i.run_at <= v_now
    and (jobtable_internal.is_watched(t.id) or jobtable_internal.wake(array[t.id]) is not null);
  if found then
    return null;
  end if;

  select array_agg(coalesce(t.id, jobtable_internal.refuse_unknown_type(n.type))),
    bool_and(n.ordinary), bool_or(n.later)
  into v_types, v_ordinary, v_later
  from (
    select i.type, bool_and(jobtable_internal.is_ordinary(i)) as ordinary,
      bool_or(i.run_at > v_now) as later
    from inserted i
    group by i.type
  ) n
  left join jobtable.job_type t on t.name = n.type;
  if v_types is null then
    return null;
  elsif not v_ordinary then
    perform jobtable_internal.refuse_insert(i)
    from inserted i
    where not jobtable_internal.is_ordinary(i);
  end if;

  -- Ids of one statement stand close together: those of a range make an entry, of at most 240.
  insert into jobtable_internal.ready (lane, ids)
  select r.lane, array_agg(r.id order by r.id)
  from (
    select i.id, jobtable_internal.lane(t.id, coalesce(i.priority, t.priority)) as lane
    from inserted i
    join jobtable.job_type t on t.name = i.type
    where not i.paused and i.run_at <= v_now
  ) r
  group by r.lane, r.id / 240
  order by min(r.id);
  v_claimable := found;
  if v_later then
    insert into jobtable_internal.due (at, id)
    select i.run_at, i.id
    from inserted i
    where not i.paused and i.run_at > v_now
    on conflict do nothing;
    v_claimable := v_claimable or found;
  end if;

  if v_claimable then
    perform jobtable_internal.wake(v_types);
  end if;
  return null;
end
$$;

create or replace trigger job_inserted
after insert on jobtable.job
referencing new table as inserted
for each statement execute function jobtable_internal.job_inserted();
