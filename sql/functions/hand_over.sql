-- Claims the jobs among `taken` that may run, all of one priority, as `status` (started or queued).
-- The ready entries only say where to look: the job's own row decides, and is never waited for. One
-- that a client's open transaction holds is passed over, for look_again; `missed` is how many there
-- were before, and are now. `taken` are so many jobs (`counts`) of each of `types`. `jobs` is a
-- batch, or null.
create or replace function jobtable_internal.hand_over(
  worker bigint, lease bigint, taken bigint[], types integer[], counts integer[],
  priority smallint, status jobtable.job_status,
  inout missed integer, out ids bigint[], out jobs text
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '1ms'
as $$
declare
  -- So many jobs are worth a look at the first of them for the usual type and owner.
  c_worth_it constant integer := 10;
  -- Read after the entries were taken: no job starts before it was created.
  v_now timestamptz := jobtable_internal.clock();
  v_starts constant boolean := status = 'started';
  v_free bigint[] := taken;
  v_again boolean := false;
  v_type text;
  v_owner text;
  v_set text;
begin
  if cardinality(taken) >= c_worth_it then
    select j.type, j.owner into v_type, v_owner from jobtable.job j where j.id = taken[1];
  end if;
  -- Most often nobody holds any of the rows, and one pass is enough. Locking them beforehand, all
  -- but the held ones, costs 54 bytes of WAL and up to a microsecond a row.
  loop
    begin
      with handed as (
        update jobtable.job j
        set status = hand_over.status,
          attempt = j.attempt + v_starts::integer,
          queued_at = v_now,
          started_at = case when v_starts then v_now end,
          worker = hand_over.worker,
          lease = hand_over.lease
        where j.id = any (v_free) and jobtable_internal.may_run(j, hand_over.priority, v_now)
        returning j.id, jobtable_internal.handed(j, v_type, v_owner) as job
      )
      select coalesce(array_agg(h.id order by h.id), '{}'), string_agg(h.job, ',' order by h.id)
      into ids, jobs
      from handed h;
      jobs := jobtable_internal.batch(
        lease, case when v_starts then v_now end, v_type, v_owner, jobs
      );
      exit;
    exception when lock_not_available then
      -- A lock on the whole table, which no row can be had under.
      if v_again then
        raise;
      end if;
      v_again := true;
      v_set := set_config('lock_timeout', '200ms', true);
      v_free := array(
        select j.id from jobtable.job j where j.id = any (taken) for no key update skip locked
      );
    end;
  end loop;

  -- Whoever makes a table longer has it to himself for a moment, which is no client's lock.
  v_set := set_config('lock_timeout', '200ms', true);
  if cardinality(ids) < cardinality(taken) then
    missed := jobtable_internal.look_again(taken, ids, priority, v_now, missed);
    select array_agg(h.id), array_agg(h.jobs) into types, counts
    from (
      select t.id, count(*) as jobs
      from jobtable.job j
      join jobtable.job_type t on t.name = j.type
      where j.id = any (hand_over.ids)
      group by t.id
    ) h;
  else
    missed := 0;
  end if;
  insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
  select h.type_id, 'new', hand_over.status, h.jobs
  from unnest(types, counts) as h (type_id, jobs)
  where h.jobs > 0;
end
$$;
