create or replace function jobtable.set_owner_source(source text, detail text default null)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
begin
  begin
    v_function := to_regprocedure(detail);
  exception when invalid_text_representation or invalid_name or syntax_error then
    v_function := null;
  end;
  if source is null or source not in ('any', 'setting', 'jwt', 'role', 'function') then
    raise exception using
      errcode = 'JT024',
      message = format('the owner cannot come from "%s"', source),
      hint = 'Choose any, setting, jwt, role or function.';
  elsif source = 'function' and v_function is null then
    raise exception using
      errcode = 'JT024',
      message = format('there is no function "%s" to tell the owner', detail),
      hint = 'Name it with its schema and parentheses, such as app.current_tenant().';
  elsif source = 'function' and not exists (
    select
    from pg_proc p
    where p.oid = v_function and p.pronargs = 0 and p.prokind = 'f' and not p.proretset
      and p.pronamespace <> pg_my_temp_schema()
      and (
        p.prosqlbody is not null
        -- A search_path that does not name pg_temp begins with it.
        or exists (select from unnest(p.proconfig) c where c ~ '^search_path=(""|.*\mpg_temp)$')
      )
  ) then
    raise exception using
      errcode = 'JT024',
      message = format('function %s cannot tell the owner', v_function),
      detail = 'A client could have it find tables and functions of its own, or it has parameters, '
        'or is temporary.',
      hint = format('Without parameters, write its body as RETURN, or: '
        'alter function %s set search_path = pg_catalog, pg_temp', v_function);
  end if;
  if source = 'function' then
    -- As it is called, whatever the caller's search_path.
    select format('%I.%I()', n.nspname, p.proname)
    into strict detail
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where p.oid = v_function;
  end if;
  update jobtable_internal.isolation set owner_source = source, owner_detail = detail;
  perform jobtable_internal.apply_owner_source();
end
$$;

comment on function jobtable.set_owner_source(text, text) is
  'Chooses what jobtable.current_owner() asks, for every session from now on.

source any: the setting jobtable.owner, else the JWT''s claim, else the role (as installed).
setting: jobtable.owner, else the role. jwt: the claim; where there are no claims at all, the role;
claims without it are of no owner, who sees no jobs but those shared with its role, and inserts none
(JT029). role: the role alone. function: a function of yours without parameters that answers a
text; the role where it answers null. Its body is one RETURN, or it sets search_path, pg_temp last.
Clients need EXECUTE on it and USAGE on its schema. It is called by its name: once it is dropped or
renamed, whoever asks for the owner gets JT024, such as an INSERT that names none, until there is
one of that name again, which is not examined like this, or a source is chosen.
All but role and function trust whoever can run SET; see docs/owners.md.
detail: for any and jwt the claim, its path with dots (default sub); for function its name with
schema and parentheses. Jobs keep the owner that they have. Only for the owner of the schema.
Errors: JT024 (no such source or function, or not a safe one).';
