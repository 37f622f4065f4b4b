-- One round of a worker, one transaction: outcomes first (they free slots and keys), then queued
-- jobs begin, then new ones are claimed under a lease that the worker has drawn at random. Planner
-- settings are the function's own: a queue's statistics are always stale, and a session's settings
-- do not survive a pooler. The rows of jobs are never waited for; a lock beside them (on a result
-- that a client writes) ends the tick with 55P03. What there is nothing to tell of is null in the
-- answer.
create or replace function jobtable_internal.tick(
  worker bigint, lease bigint,
  completed bigint[], completed_leases bigint[], outcomes jsonb,
  begin_ids bigint[], begin_leases bigint[],
  from_lanes bigint[], to_lanes bigint[], rooms integer[],
  slots integer, prefetch integer, promises boolean, stays boolean, awaits boolean,
  out locked bigint[], out lost bigint[], out begun text, out waiting bigint[],
  out claimed text, out looked integer, out more boolean, out next_due_ms double precision,
  out writers text[]
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
set jit = off
set lock_timeout = '200ms'
as $$
declare
  v_part record;
  v_writer text;
begin
  v_writer := jobtable_internal.write_as_queue();

  -- Assignments, since a query of a function costs three times as much.
  if cardinality(completed) > 0 or jsonb_array_length(outcomes) > 0 then
    v_part := jobtable_internal.finish(completed, completed_leases, outcomes);
    locked := nullif(v_part.locked, '{}');
    lost := nullif(v_part.lost, '{}');
  end if;
  if cardinality(begin_ids) > 0 then
    v_part := jobtable_internal.begin_queued(begin_ids, begin_leases);
    begun := v_part.begun;
    waiting := nullif(v_part.waiting, '{}');
  end if;
  if slots + prefetch > 0 then
    v_part := jobtable_internal.claim(
      worker, lease, from_lanes, to_lanes, rooms, slots, prefetch, promises, stays,
      awaits
    );
    claimed := v_part.claimed;
    looked := v_part.looked;
    more := v_part.more;
    next_due_ms := v_part.next_due_ms;
    writers := v_part.writers;
  end if;

  v_writer := set_config('jobtable.writer', '', true);
end
$$;
