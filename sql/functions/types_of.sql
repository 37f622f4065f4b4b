-- The ids of the types of some jobs.
create or replace function jobtable_internal.types_of(ids bigint[]) returns integer[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select distinct t.id
    from jobtable.job j
    join jobtable.job_type t on t.name = j.type
    where j.id = any (types_of.ids)
  )
$$;
