-- Who writes, for the record: whom current_owner() would tell if it were not asked by a function of
-- another's rights; the role of who has no owner. As it is out of the box: see apply_owner_source.
create or replace function jobtable_internal.actor() returns text
language sql stable parallel safe
return coalesce(
  nullif(current_setting('jobtable.owner', true), ''),
  nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb #>> '{sub}', ''),
  nullif(current_setting('role'), 'none'),
  session_user
);
