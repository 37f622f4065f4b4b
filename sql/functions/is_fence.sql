-- Whether a receipt may yet keep a tick from happening whose answer was lost: see adopt. That tick
-- may have hung in the server, or on its way there, for longer than a heartbeat or a lease.
create or replace function jobtable_internal.is_fence(
  receipt jobtable_internal.claim, now timestamptz
) returns boolean
language sql immutable
return receipt.ids = '{}' and receipt.claimed_at > now - interval '10 minutes';
