-- The three known type names most like an unknown one, by shared pairs of letters, best first.
create or replace function jobtable_internal.nearest(name text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with pairs as (
    select distinct substr(lower(name), i, 2) as pair
    from generate_series(1, greatest(length(name) - 1, 1)) as i
  ), scored as (
    select t.name, (
      select count(*)::float8 from pairs p
      where strpos(lower(t.name), p.pair) > 0
    ) / greatest(length(name), length(t.name)) as score
    from jobtable.job_type t
  )
  select coalesce(array_agg(s.name order by s.score desc, s.name), '{}')
  from (select * from scored where score > 0.2 order by score desc, name limit 3) s
$$;
