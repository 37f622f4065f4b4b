-- The users' own facet tables, with their column of the job, and whether the current role may
-- write their policies. They may be in any schema.
create or replace function jobtable_internal.user_facets()
returns table (facet regclass, "column" name, owned boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.oid::regclass, a.attname, pg_has_role(c.relowner, 'usage')
  from pg_constraint p
  join pg_constraint f on f.conrelid = p.conrelid and f.contype = 'f'
    and f.confrelid = 'jobtable.job'::regclass and f.confdeltype = 'c'
    and f.conkey = p.conkey[1:1]
  join pg_class c on c.oid = p.conrelid
  join pg_attribute a on a.attrelid = c.oid and a.attnum = p.conkey[1]
  where p.contype = 'p' and c.oid not in (
    select b.relation::regclass from jobtable_internal.isolation_policies(false) b
  )
$$;
