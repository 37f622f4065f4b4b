-- The owners whose jobs the current one may view, or act on: itself, and those who share with it.
-- For the policies, which ask once a statement; it runs as the client, who the owner depends on.
create or replace function jobtable_internal.visible_owners(level text) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_owner constant text := jobtable.current_owner();
begin
  return v_owner || array(
    select s.owner
    from jobtable.job_share s
    -- First what the index can tell.
    where (s.grantee = v_owner or s.grantee >= 'role:' and s.grantee < 'role;')
      and jobtable_internal.is_member(s.grantee)
      and (visible_owners.level = 'view' or s.level = 'act')
  );
end
$$;
