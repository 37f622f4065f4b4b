-- Who writes, for the record: the setting jobtable.owner, else the role that the session has taken
-- on. Not current_user, which is the owner of the function that asks.
create or replace function jobtable_internal.actor() returns text
language sql stable parallel safe
return coalesce(
  nullif(current_setting('jobtable.owner', true), ''),
  nullif(current_setting('role'), 'none'),
  session_user
);
