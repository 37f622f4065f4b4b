-- The quota that an owner has: its own, else that of `*`, else null.
create or replace function jobtable_internal.quota_of(owner text) returns jobtable.owner_quota
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_quota jobtable.owner_quota;
begin
  select q.* into v_quota
  from jobtable.owner_quota q
  where q.owner in (quota_of.owner, '*')
  order by q.owner = '*'
  limit 1;
  return v_quota;
end
$$;
