-- Whether of a list of schemas at most one can fit: all are objects that ask for the same key, each
-- with other values. Then finding one is enough.
create or replace function jobtable_internal.schema_is_exclusive(branches jsonb) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from (
      select p.key, c.value as choice
      from jsonb_array_elements(branches) b
      cross join lateral jsonb_each(
        case when jsonb_typeof(b.value -> 'properties') = 'object'
          and b.value ->> 'type' = 'object' then b.value -> 'properties' else '{}' end) p
      cross join lateral jsonb_array_elements(
        case when p.value ? 'const' then jsonb_build_array(p.value -> 'const')
          when jsonb_typeof(p.value -> 'enum') = 'array' then p.value -> 'enum'
          else '[]' end) c
      where b.value -> 'required' ? p.key
    ) d
    group by d.key
    having count(*) = count(distinct d.choice)
      and (select bool_and(b.value -> 'properties' -> d.key ?| array['const', 'enum']
          and coalesce(b.value -> 'required' ? d.key, false))
        from jsonb_array_elements(branches) b)
  )
$$;
