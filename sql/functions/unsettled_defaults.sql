-- Of types, the places of defaults that were others in each of the last three schemas that
-- executors have declared: unless people changed them, they differ at each start of a worker.
create or replace function jobtable_internal.unsettled_defaults(types integer[])
returns table (type text, defaults text[])
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select t.name, array_agg(jobtable_internal.schema_pointer(u.path) order by u.path)
  from (
    select d.type_id, n.path
    from unnest(unsettled_defaults.types) w (type_id)
    cross join lateral (
      select l.type_id, l.schema
      from jobtable_internal.declared_schema l
      where l.type_id = w.type_id
      order by l.n desc
      limit 3
    ) d
    cross join lateral jobtable_internal.schema_nodes(d.schema) n
    where n.node ? 'default'
    group by d.type_id, n.path
    having count(distinct n.node -> 'default') = 3
  ) u
  join jobtable.job_type t on t.id = u.type_id
  group by t.name
  order by t.name
$$;
