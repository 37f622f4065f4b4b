--! before tables
-- As it is out of the box; jobtable.set_owner_source() replaces it, and so does an installation
-- that finds another source chosen.
create or replace function jobtable.current_owner() returns text
language sql stable parallel safe
return coalesce(
  nullif(current_setting('jobtable.owner', true), ''),
  nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb #>> '{sub}', ''),
  current_user
);

comment on function jobtable.current_owner() is
  'Whose job an inserted row is when it names no owner.

The setting jobtable.owner of the session or transaction if it is set and not empty, else the claim
sub of request.jwt.claims (as PostgREST sets it), else the current role. jobtable.set_owner_source()
chooses another source. Null, by source jwt alone: the claims do not tell the owner.';
