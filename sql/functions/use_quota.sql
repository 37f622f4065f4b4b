-- Counts new jobs of an owner, or raises JT022 or JT023. The owner's turn is locked until the
-- transaction ends, so that no two count at once; under REPEATABLE READ the second one gets 40001
-- by it.
create or replace function jobtable_internal.use_quota(owner text, ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_quota jobtable.owner_quota := jobtable_internal.quota_of(owner);
  v_turn jobtable_internal.turn;
begin
  if v_quota.owner is null then
    return;
  end if;
  loop
    select t.* into v_turn
    from jobtable_internal.turn t
    where t.owner = use_quota.owner
    for no key update;
    exit when found;
    insert into jobtable_internal.turn (owner) values (use_quota.owner) on conflict do nothing;
  end loop;
  -- A change of quotas may have had the turn before.
  v_quota := jobtable_internal.quota_of(owner);
  if v_quota.max_unfinished is not null then
    v_turn := jobtable_internal.count_unfinished(v_turn, v_quota.max_unfinished, ids);
  end if;
  if v_quota.max_inserts_per_minute is not null then
    v_turn := jobtable_internal.count_inserts(
      v_turn, v_quota.max_inserts_per_minute, cardinality(ids));
  end if;
  update jobtable_internal.turn t
  set unfinished = v_turn.unfinished, lowest = v_turn.lowest,
    seconds = v_turn.seconds, inserted = v_turn.inserted
  where t.owner = use_quota.owner;
end
$$;
