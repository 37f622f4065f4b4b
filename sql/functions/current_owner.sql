--! before tables
create or replace function jobtable.current_owner() returns text
language sql stable parallel safe
return coalesce(nullif(current_setting('jobtable.owner', true), ''), current_user);

comment on function jobtable.current_owner() is
  'Whose job an inserted row is when it names no owner.

The setting jobtable.owner of the session or transaction if it is set and not empty, else the
current role.';
