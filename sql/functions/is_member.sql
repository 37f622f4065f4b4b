-- Whether a share is with whoever asks: the grantee is the current owner, or begins with "role:"
-- and names a role that the current one has, whatever owners are called. Any owner may have written
-- it, and whatever it is must be no error to the others.
create or replace function jobtable_internal.is_member(grantee text) returns boolean
language sql stable
return case
  when grantee like 'role:%' then exists (
    select
    from pg_roles r
    where r.rolname = substr(grantee, 6) and pg_has_role(r.oid, 'usage')
  )
  else grantee = jobtable.current_owner()
end;
