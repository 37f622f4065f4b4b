--! requires: schema_glance
-- Whether of the schemas at some paths at most one can fit, as a glance tells: each two are for
-- other types, or ask for other values of the same key. Then finding one is enough.
create or replace function jobtable_internal.schema_is_exclusive(root jsonb, paths jsonb)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with branch as materialized (
    select p.n, g.glance -> 'types' as types, g.glance -> 'keys' as keys
    from jsonb_array_elements(paths) with ordinality p (path, n)
    cross join lateral (
      select jobtable_internal.schema_glance(
        root, array(select jsonb_array_elements_text(p.path))) as glance
    ) g
  )
  select not exists (
    select
    from branch a
    join branch b on a.n < b.n
    where not (
      a.types <> 'null' and b.types <> 'null'
      and not a.types ?| array(select jsonb_array_elements_text(nullif(b.types, 'null')))
    ) and not exists (
      select
      from jsonb_each(a.keys) k
      where b.keys ? k.key and not exists (
        select from jsonb_array_elements(k.value) c where b.keys -> k.key @> c.value
      )
    )
  )
$$;
