-- The number of an owner's unfinished jobs with those that it has just got, or JT022 if these are
-- too many. `known` counts the others, and those of them that have finished since: which these are
-- is looked up only when the quota seems used up, among at most twice as many jobs as it allows,
-- unless it was lowered.
create or replace function jobtable_internal.count_unfinished(
  owner text, known bigint, quota bigint, ids bigint[]
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_count bigint := known + cardinality(ids);
  v_ended bigint[];
begin
  if cardinality(ids) > quota then
    raise exception using
      errcode = 'JT022',
      message = format('owner "%s" may have %s unfinished jobs, and this statement has %s', owner,
        quota, cardinality(ids)),
      hint = format('Insert at most %s jobs at once.', quota);
  end if;
  -- One that runs again may be listed still.
  insert into jobtable_internal.counted (owner, id)
  select count_unfinished.owner, unnest(ids)
  on conflict do nothing;
  if v_count <= quota then
    return v_count;
  end if;
  -- A sub-select, since a join may read all jobs instead.
  select count(*) filter (where l.is_unfinished),
    array_agg(l.id) filter (where l.is_unfinished is not true)
  into v_count, v_ended
  from (
    select c.id, (
      select j.status in ('new', 'queued', 'started') from jobtable.job j where j.id = c.id
    ) as is_unfinished
    from jobtable_internal.counted c
    where c.owner = count_unfinished.owner
    offset 0
  ) l;
  if v_count > quota then
    raise exception using
      errcode = 'JT022',
      message = format('owner "%s" has %s unfinished jobs and may have %s', owner,
        greatest(v_count - cardinality(ids), 0), quota),
      detail = format('This statement would make it %s.', v_count),
      hint = format('Wait for the end of %s of them, delete as many, or insert fewer.',
        v_count - quota);
  end if;
  delete from jobtable_internal.counted c
  where c.owner = count_unfinished.owner and c.id = any (v_ended);
  return v_count;
end
$$;
