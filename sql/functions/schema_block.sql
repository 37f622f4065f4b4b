--! requires: schema_body
-- The PL/pgSQL block that returns whether an object fits the schema at a path, with the properties
-- that it asks for in variables. `known` as for schema_body().
create or replace function jobtable_internal.schema_block(plan jsonb, path text[], known text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  -- References within references: what is nested deeper than this is left to the worker.
  select format('declare%s begin return %s; end',
    (select string_agg(format(' v_%s jsonb := jsonb_object_field(value, %L);', p.n, p.key), ''
       order by p.n)
     from jsonb_object_keys(plan -> 'root' #> path -> 'properties') with ordinality p (key, n)
     where p.n = any (u.used)),
    case when plan -> 'root' @? '$.**."$ref"'
      then format('case when depth > 64 then true else %s end', b.body)
      else b.body end)
  from jobtable_internal.schema_body(plan, path, 'value', 'depth', known) b (body)
  cross join lateral (
    select array(select m.n[1]::bigint from regexp_matches(b.body, '\mv_(\d{1,9})\M', 'g') m (n))
  ) u (used)
$$;
