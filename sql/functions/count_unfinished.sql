-- An owner's turn after more jobs, or JT022 if these are too many. What has finished since the last
-- count is found only when the quota seems used up, by reading from the oldest unfinished job on.
create or replace function jobtable_internal.count_unfinished(
  turn jobtable_internal.turn, quota bigint, jobs bigint, lowest bigint
) returns jobtable_internal.turn
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  turn.lowest := least(turn.lowest, lowest);
  turn.unfinished := turn.unfinished + jobs;
  if turn.unfinished <= quota then
    return turn;
  end if;
  select count(*), coalesce(min(j.id), turn.lowest)
  into turn.unfinished, turn.lowest
  from jobtable.job j
  where j.owner = turn.owner and j.id >= turn.lowest and j.status in ('new', 'queued', 'started');
  if turn.unfinished > quota then
    raise exception using
      errcode = 'JT022',
      message = format('owner "%s" has %s unfinished jobs and may have %s', turn.owner,
        greatest(turn.unfinished - jobs, 0), quota),
      detail = format('This statement would make it %s.', turn.unfinished),
      hint = format('Try again when %s of them have finished or were deleted, or insert fewer.',
        turn.unfinished - quota);
  end if;
  return turn;
end
$$;
