-- Claims the jobs among `taken` that may run, the first `slots` of them as started, the rest as
-- queued. The ready entries only say where to look: the job's own row decides, locked but never
-- waited for. A row that a client's open transaction holds is passed over and looked at again in
-- 200 ms, or later the more of them were met before (`missed`): a transaction that holds a whole
-- backlog must not keep the workers busy.
create or replace function jobtable_internal.hand_over(
  worker bigint, lease bigint, taken bigint[], priorities smallint[], slots integer,
  inout missed integer, out ids bigint[], out jobs json[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Read after the entries were taken: no job starts before it was created.
  v_now timestamptz := jobtable_internal.clock();
begin
  with locked as materialized (
    select j.id, t.ord
    from unnest(taken, priorities) with ordinality as t (id, priority, ord)
    join jobtable.job j on j.id = t.id
    where j.status = 'new' and not j.paused and j.run_at <= v_now
      and coalesce(j.priority, t.priority) = t.priority
    for no key update of j skip locked
  ), free as (
    select l.id, l.ord, row_number() over (order by l.ord) <= slots as starts
    from locked l
  ), handed as (
    update jobtable.job j
    set status = case when f.starts then 'started' else 'queued' end::jobtable.job_status,
      attempt = j.attempt + f.starts::integer,
      queued_at = v_now,
      started_at = case when f.starts then v_now end,
      worker = hand_over.worker,
      lease = hand_over.lease
    from free f
    where j.id = f.id
    returning j.id, f.ord, jobtable_internal.handed(j) as job
  )
  select coalesce(array_agg(h.id order by h.ord), '{}'),
    coalesce(array_agg(h.job order by h.ord), '{}')
  into ids, jobs
  from handed h;

  if cardinality(ids) < cardinality(taken) then
    insert into jobtable_internal.due (at, id)
    select greatest(
      j.run_at, v_now + least(interval '5 seconds', interval '200 milliseconds' * (1 + missed / 32))
    ), j.id
    from jobtable.job j
    where j.id = any (taken) and j.id <> all (hand_over.ids)
      and j.status = 'new' and not j.paused
    on conflict do nothing;
    get diagnostics missed = row_count;
  else
    missed := 0;
  end if;
end
$$;
