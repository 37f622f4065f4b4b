-- After every INSERT statement: refuses unknown and disabled types and payloads that do not fit
-- their type's schema, counts the jobs and makes them claimable. A statement of no rows (DO
-- NOTHING) does nothing.
create or replace function jobtable_internal.job_inserted() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_types integer[];
  v_later boolean;
  v_bad record;
  v_refused text;
begin
  -- Most statements insert one row, due at once: for these one query does it all. The subquery has
  -- the type read with the columns that are asked for, instead of with all thirty.
  with entry as (
    insert into jobtable_internal.ready (lane, seq, ids)
    select jobtable_internal.lane(t.id, coalesce(i.priority, t.priority)), i.id, array[i.id]
    from inserted i
    cross join lateral (
      select t.id, t.priority from jobtable.job_type t where t.name = i.type and t.enabled offset 0
    ) t
    where not exists (select from inserted offset 1)
      and not i.paused and i.run_at <= i.created_at
      and jobtable_internal.check_payload(i.type, i.payload)
      and (jobtable_internal.is_watched(t.id) or jobtable_internal.wake(array[t.id]) is not null)
    returning lane
  )
  insert into jobtable_internal.tally (type_id, to_status, jobs)
  select jobtable_internal.lane_type(e.lane), 'new', 1
  from entry e;
  if found then
    return null;
  end if;

  if exists (
    select from inserted i
    join jobtable.job_type t on t.name = i.type
    where t.payload_schema is not null
      and not jobtable_internal.check_payload(i.type, i.payload)
  ) then
    select i.type, i.payload, format('row %s of %s', i.n, i.rows) as whose into v_bad
    from (
      select i.type, i.payload, row_number() over (order by i.id) as n, count(*) over () as rows
      from inserted i
    ) i
    where not jobtable_internal.check_payload(i.type, i.payload)
    order by i.n
    limit 1;
    perform jobtable_internal.refuse_payload(v_bad.type, v_bad.payload, v_bad.whose);
  end if;

  -- The rows are read once, in windows of ids that fit into memory, and listed in entries of at
  -- most 240: many types in one statement make as few entries as one.
  v_now := jobtable_internal.clock();
  with alike as materialized (
    select i.type, i.priority, i.paused, i.run_at > v_now as later,
      array_agg(i.id order by i.id) as ids
    from inserted i
    group by i.id / 240000, i.type, i.priority, i.paused, i.run_at > v_now
  ), typed as materialized (
    select t.id as type_id, a.type, coalesce(a.priority, t.priority) as priority, a.paused, a.later,
      a.ids
    from alike a
    left join jobtable.job_type t on t.name = a.type and t.enabled
  ), listed as (
    insert into jobtable_internal.ready (lane, seq, ids)
    select jobtable_internal.lane(t.type_id, t.priority), t.ids[n], t.ids[n : n + 239]
    from typed t
    cross join generate_series(1, cardinality(t.ids), 240) n
    where t.type_id is not null and not t.paused and not t.later
  ), counted as (
    insert into jobtable_internal.tally (type_id, to_status, jobs)
    select t.type_id, 'new', sum(cardinality(t.ids))
    from typed t
    where t.type_id is not null
    group by t.type_id
  )
  -- Not min(): one more aggregate costs a microsecond.
  select array_agg(distinct t.type_id), bool_or(t.later),
    (select b.type from typed b where b.type_id is null limit 1)
  into v_types, v_later, v_refused
  from typed t
  where not t.paused;

  -- Not within the query: all of its text would be in what the client is told.
  if v_refused is not null then
    if exists (select from jobtable.job_type t where t.name = v_refused) then
      perform jobtable_internal.refuse_disabled_type(v_refused);
    end if;
    perform jobtable_internal.refuse_unknown_type(v_refused);
  end if;
  if v_later then
    insert into jobtable_internal.due (at, id)
    select i.run_at, i.id
    from inserted i
    where not i.paused and i.run_at > v_now
    on conflict do nothing;
  end if;
  if v_types is not null then
    perform jobtable_internal.wake(v_types);
  end if;
  return null;
end
$$;

create or replace trigger job_inserted
after insert on jobtable.job
referencing new table as inserted
for each statement execute function jobtable_internal.job_inserted();
