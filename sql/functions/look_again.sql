-- Jobs whose entry was taken but whose row could not be: gone, steered away, or locked by a client.
-- Those still new and not paused are looked at again when they are due, or in 200 ms if they are.
create or replace function jobtable_internal.look_again(
  taken bigint[], claimed bigint[], now timestamptz
) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into jobtable_internal.due (at, id)
  select greatest(j.run_at, now + interval '200 milliseconds'), j.id
  from jobtable.job j
  where j.id = any (taken) and j.id <> all (coalesce(claimed, '{}'))
    and j.status = 'new' and not j.paused
  on conflict do nothing
$$;
