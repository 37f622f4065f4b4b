-- An owner's turn after more jobs, or JT023 if these are too many for 60 seconds. It goes by the
-- wall clock: jobtable.now, which any client may set, opens nothing.
create or replace function jobtable_internal.count_inserts(
  turn jobtable_internal.turn, quota bigint, jobs bigint
) returns jobtable_internal.turn
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_second constant bigint := floor(extract(epoch from clock_timestamp()));
  v_used bigint;
  v_free bigint;
begin
  select coalesce(array_agg(u.second order by u.second), '{}'),
    coalesce(array_agg(u.jobs order by u.second), '{}'),
    coalesce(sum(u.jobs), 0)
  into turn.seconds, turn.inserted, v_used
  from (
    select least(s.second, v_second) as second, sum(s.jobs)::bigint as jobs
    from unnest(turn.seconds, turn.inserted) as s (second, jobs)
    where s.second >= v_second - 60
    group by 1
  ) u;
  if v_used + jobs > quota then
    -- The first second that frees enough, once it is out of the minute.
    select min(u.second) + 61 into v_free
    from (
      select s.second, sum(s.jobs) over (order by s.second) as freed
      from unnest(turn.seconds, turn.inserted) as s (second, jobs)
    ) u
    where v_used - u.freed + jobs <= quota;
    raise exception using
      errcode = 'JT023',
      message = format('owner "%s" has inserted %s jobs within a minute and may insert %s',
        turn.owner, v_used, quota),
      detail = format('This statement would make it %s.', v_used + jobs),
      hint = case when v_free is null then jobtable_internal.quota_hint(quota)
      else format('Try again at %s.', to_timestamp(v_free)) end;
  end if;
  if turn.seconds[cardinality(turn.seconds)] = v_second then
    turn.inserted[cardinality(turn.inserted)] := turn.inserted[cardinality(turn.inserted)] + jobs;
  else
    turn.seconds := turn.seconds || v_second;
    turn.inserted := turn.inserted || jobs;
  end if;
  return turn;
end
$$;
