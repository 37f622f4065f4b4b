--! requires: schema_glance
-- Whether of the schemas at some paths at most one can fit, as a glance tells: each two are for
-- other types, or ask for other values of the same key. Then finding one is enough. Where no one
-- key tells all apart, each two are compared, if they are few.
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
  ), meant as materialized (
    select b.n, t.type, b.keys
    from branch b
    cross join lateral jsonb_array_elements_text(case when b.types <> 'null' then b.types
      else '["null", "boolean", "number", "string", "array", "object"]' end) t (type)
  ), told_by as (
    select v.type, v.key, count(distinct v.n) as branches
    from (
      select distinct m.type, m.n, k.key, c.value
      from meant m
      cross join lateral jsonb_each(m.keys) k
      cross join lateral jsonb_array_elements(k.value) c
    ) v
    group by v.type, v.key
    having count(*) = count(distinct v.value)
  )
  select case
    when not exists (
      select from meant m
      group by m.type
      having count(*) > 1 and not exists (
        select from told_by t where t.type = m.type and t.branches = count(m.n)
      )
    ) then true
    when (select count(*) from branch) > 64 then false
    else not exists (
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
  end
$$;
