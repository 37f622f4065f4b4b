-- Sees to it that jobs which a claim has `taken` from their entries and not `handed` over are
-- looked at again: those that a client's open transaction holds, and those whose time has come no
-- more, because the clock was set back. In 200 ms, or later the more of them were met before
-- (`missed`): a transaction that holds a whole backlog must not keep the workers busy. Answers how
-- many.
create or replace function jobtable_internal.look_again(
  taken bigint[], handed bigint[], lane_priority smallint, now timestamptz, missed integer
) returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rest constant interval :=
    least(interval '5 seconds', interval '200 milliseconds' * (1 + missed / 32));
  v_count integer;
begin
  insert into jobtable_internal.due (at, id)
  select greatest(j.run_at, now + v_rest), j.id
  from jobtable.job j
  where j.id = any (array(select unnest(taken) except select unnest(handed)))
    and jobtable_internal.may_run(j, lane_priority, 'infinity')
  on conflict do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
