--! before tables
-- The clock of the queue's functions, read once by each: the wall clock, or the setting
-- jobtable.now.
create or replace function jobtable_internal.clock() returns timestamptz
language sql volatile parallel safe
return coalesce(
  nullif(current_setting('jobtable.now', true), '')::timestamptz, clock_timestamp()
);
