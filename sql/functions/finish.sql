-- Writes outcomes. `completed` with `leases` are the plain successes, as arrays because they are
-- many; `outcomes` is a JSON array of everything else:
--   {id, lease,
--    outcome: completed | failed | timed_out | cancelled | released | returned | snoozed,
--    detail?, result?, permanent?, delay_ms?, error?: {name, message, stack, cause}}
-- released went back while it ran, returned before its executor began, snoozed until later. A
-- rescue tells settle of one more, lost.
-- Only the lease under which a job was claimed may finish it. No lock is waited for: `locked` are
-- to be sent again, `lost` are no longer this worker's. Sending an outcome twice is harmless: what
-- the first call wrote is found by id and lease and counted as written.
create or replace function jobtable_internal.finish(
  completed bigint[], leases bigint[], outcomes jsonb, out locked bigint[], out lost bigint[]
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := jobtable_internal.clock();
  v_written integer := 0;
  v_back bigint[];
begin
  locked := '{}';
  lost := '{}';

  if cardinality(completed) > 0 then
    v_written := jobtable_internal.finish_plain(completed, leases, v_now);
    if v_written < cardinality(completed) then
      select u.locked, u.lost into locked, lost
      from jobtable_internal.unwritten(
        completed, leases, array_fill('completed'::text, array[cardinality(completed)])
      ) u;
    end if;
  end if;

  if jsonb_array_length(outcomes) > 0 then
    select s.back, finish.locked || s.locked, finish.lost || s.lost into v_back, locked, lost
    from jobtable_internal.settle(outcomes, v_now) s;
    if v_back is not null then
      perform jobtable_internal.give_back(v_back);
    end if;
  end if;
end
$$;
