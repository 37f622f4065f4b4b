-- Replaces jobtable.current_owner() by what the chosen source says, unless it is that of the
-- installation, and actor(), which says the same where current_user is the owner of the function
-- that asks, and the role where nobody is the owner. Bodies in standard SQL, so that they are
-- inlined and have their names bound.
create or replace function jobtable_internal.apply_owner_source() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_setting constant text := $sql$nullif(current_setting('jobtable.owner', true), '')$sql$;
  c_claims constant text := $sql$nullif(current_setting('request.jwt.claims', true), '')$sql$;
  v jobtable_internal.isolation;
  v_claim text;
  v_source text;
begin
  select i.* into strict v from jobtable_internal.isolation i;
  v_claim := format('nullif(%s::jsonb #>> %L, '''')', c_claims,
    string_to_array(coalesce(v.owner_detail, 'sub'), '.')::text);
  v_source := case v.owner_source
    when 'any' then c_setting || ', ' || v_claim || ', '
    when 'setting' then c_setting || ', '
    when 'jwt' then v_claim || ', '
    when 'function' then (
      select format('%I.%I()::text, ', n.nspname, p.proname)
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      where p.oid = v.owner_detail::regprocedure
    )
    else ''
  end;
  execute format(
    'create or replace function jobtable.current_owner() returns text '
    'language sql stable parallel safe return coalesce(%s%s)', v_source,
    case v.owner_source
      -- Not all requests without the claim one owner, which is what they would be as the role.
      when 'jwt' then format('case when %s is null then current_user end', c_claims)
      else 'current_user'
    end
  );
  execute format(
    'create or replace function jobtable_internal.actor() returns text '
    'language sql stable parallel safe '
    'return coalesce(%snullif(current_setting(''role''), ''none''), session_user)', v_source
  );
end
$$;
