-- Replaces jobtable.current_owner() by what the chosen source says, unless it is that of the
-- installation, and actor(), which says the same where current_user is the owner of the function
-- that asks, and the role where nobody is the owner. Bodies in standard SQL, so that they are
-- inlined and have their names bound. Not so a call of the user's function, which is by name: if
-- the queue depended on it, to drop it would take current_owner() along, and the columns' defaults.
create or replace function jobtable_internal.apply_owner_source() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  c_setting constant text := $sql$nullif(current_setting('jobtable.owner', true), '')$sql$;
  c_claims constant text := $sql$nullif(current_setting('request.jwt.claims', true), '')$sql$;
  c_call constant text := $sql$
    begin
      if to_regprocedure(%1$L) is null then
        raise exception using
          errcode = 'JT024',
          message = format('there is no function "%%s" to tell the owner', %1$L),
          hint = 'Create it again, or choose another source by jobtable.set_owner_source().';
      end if;
      return coalesce(%1$s::text, %2$s);
    end
  $sql$;
  v jobtable_internal.isolation;
  v_claim text;
  v_source text;
  v_function text;
  v_otherwise text;
begin
  select i.* into strict v from jobtable_internal.isolation i;
  v_claim := format('nullif(%s::jsonb #>> %L, '''')', c_claims,
    string_to_array(coalesce(v.owner_detail, 'sub'), '.')::text);
  v_source := case v.owner_source
    when 'any' then c_setting || ', ' || v_claim || ', '
    when 'setting' then c_setting || ', '
    when 'jwt' then v_claim || ', '
    else ''
  end;
  for v_function, v_otherwise in
    values
      ('jobtable.current_owner()', case v.owner_source
        -- Not all requests without the claim one owner, which is what they would be as the role.
        when 'jwt' then format('case when %s is null then current_user end', c_claims)
        else 'current_user'
      end),
      ('jobtable_internal.actor()', $sql$nullif(current_setting('role'), 'none'), session_user$sql$)
  loop
    execute format('create or replace function %s returns text stable parallel safe ', v_function)
      || case v.owner_source
        when 'function' then format('language plpgsql set search_path = pg_catalog, pg_temp as %L',
          format(c_call, v.owner_detail, v_otherwise))
        else format('language sql return coalesce(%s%s)', v_source, v_otherwise)
      end;
  end loop;
end
$$;
