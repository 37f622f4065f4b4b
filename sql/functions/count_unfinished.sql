-- An owner's turn with the unfinished jobs that it has just got, or JT022 if these are too many. It
-- counts the others, and those of them that have finished since: which these are is looked up only
-- when the quota seems used up, among at most twice as many jobs as it allows, unless it was
-- lowered.
create or replace function jobtable_internal.count_unfinished(
  turn jobtable_internal.turn, quota bigint, ids bigint[]
) returns jobtable_internal.turn
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_count bigint := turn.unfinished + cardinality(ids);
  v_lowest constant bigint := least(turn.lowest, (select min(i.id) from unnest(ids) i (id)));
  v_ended bigint[];
begin
  if cardinality(ids) > quota then
    raise exception using
      errcode = 'JT022',
      message = format('owner "%s" may have %s unfinished jobs, and this statement has %s',
        turn.owner, quota, cardinality(ids)),
      hint = jobtable_internal.quota_hint(quota);
  end if;
  -- One that runs again may be listed still.
  insert into jobtable_internal.counted (owner, id)
  select turn.owner, unnest(ids)
  on conflict do nothing;
  if v_count <= quota then
    turn.unfinished := v_count;
    turn.lowest := v_lowest;
    return turn;
  end if;
  -- A sub-select, since a join may read all jobs instead.
  select count(*) filter (where l.is_unfinished),
    array_agg(l.id) filter (where l.is_unfinished is not true),
    coalesce(min(l.id) filter (where l.is_unfinished), 0)
  into v_count, v_ended, turn.lowest
  from (
    select c.id, (
      select j.status in ('new', 'queued', 'started') from jobtable.job j where j.id = c.id
    ) as is_unfinished
    from jobtable_internal.counted c
    where c.owner = turn.owner and c.id >= v_lowest
    offset 0
  ) l;
  if v_count > quota then
    raise exception using
      errcode = 'JT022',
      message = format('owner "%s" has %s unfinished jobs and may have %s', turn.owner,
        greatest(v_count - cardinality(ids), 0), quota),
      detail = format('This statement would make it %s.', v_count),
      hint = format('Wait for the end of %s of them, delete as many, or insert fewer.',
        v_count - quota);
  end if;
  delete from jobtable_internal.counted c
  where c.owner = turn.owner and c.id >= v_lowest and c.id = any (v_ended);
  turn.unfinished := v_count;
  return turn;
end
$$;
