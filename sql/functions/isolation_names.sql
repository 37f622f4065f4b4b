-- The names behind roles such as reader or admin, as a GRANT lists them; null if there is none. One
-- that was dropped is none, and so is the empty name. Null for roles is everybody.
create or replace function jobtable_internal.isolation_names(
  isolation jobtable_internal.isolation, roles text[]
) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when roles is null then 'public' else (
    select string_agg(quote_ident(n.name), ', ' order by r.ord)
    from unnest(roles) with ordinality as r (role, ord)
    join jsonb_each_text(to_jsonb(isolation)) as n (role, name) on n.role = r.role
    where exists (select from pg_roles p where p.rolname = n.name)
  ) end
$$;
