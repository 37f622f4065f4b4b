-- Whether a grantee of a share, such as role:analysts, is a role that the current one has. Any
-- owner may have written it, and whatever it is must be no error to the others.
create or replace function jobtable_internal.is_member(grantee text) returns boolean
language sql stable
return grantee like 'role:%' and exists (
  select
  from pg_roles r
  where r.rolname = substr(grantee, 6) and pg_has_role(r.oid, 'usage')
);
