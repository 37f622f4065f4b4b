-- Makes jobs claimable by what their rows say now: due ones go to their lane in `ready`, later ones
-- to `due`, where an entry that is there already is locked, as by enqueue_row. Jobs that are not
-- new, or paused, are left alone. Calling it twice for one job does no harm: an entry is a hint,
-- and the claim trusts only the job's row.
create or replace function jobtable_internal.enqueue(ids bigint[]) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
begin
  insert into jobtable_internal.due (at, id)
  select j.run_at, j.id
  from jobtable.job j
  where j.id = any (enqueue.ids) and j.status = 'new' and not j.paused and j.run_at > v_now
  on conflict on constraint due_pkey do update set id = excluded.id;

  insert into jobtable_internal.ready (lane, ids)
  select r.lane, array_agg(r.id order by r.n)
  from (
    select w.id, w.lane, row_number() over (partition by w.lane order by w.id) as n
    from (
      select j.id, jobtable_internal.lane(t.id, coalesce(j.priority, t.priority)) as lane
      from jobtable.job j
      join jobtable.job_type t on t.name = j.type
      where j.id = any (enqueue.ids) and j.status = 'new' and not j.paused and j.run_at <= v_now
    ) w
  ) r
  group by r.lane, (r.n - 1) / 240
  order by min(r.id);

  perform jobtable_internal.wake(jobtable_internal.types_of(ids));
end
$$;
