--! before tables
-- The clock of column defaults: the start of the transaction, or the setting jobtable.now. A SQL-
-- standard body binds its names when it is created and is inlined, so it needs no search_path.
create or replace function jobtable_internal.transaction_clock() returns timestamptz
language sql stable parallel safe
return coalesce(
  nullif(current_setting('jobtable.now', true), '')::timestamptz, now()
);
