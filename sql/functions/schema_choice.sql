--! requires: double_of
-- The test whether a value is one of a list.
create or replace function jobtable_internal.schema_choice(
  choices jsonb, value text, ecma boolean
) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when count(*) = 0 then 'false'
    when ecma and bool_or(jsonb_typeof(c.choice) = 'number') then
      format('case when %1$s in (%2$s) then true when jsonb_typeof(%1$s) = ''number'' '
        || 'then jobtable_internal.double_of(%1$s) in (%3$s) else false end', value,
        string_agg(format('%L::jsonb', c.choice), ', '),
        string_agg(format('%L::double precision', c.choice), ', ')
          filter (where jsonb_typeof(c.choice) = 'number'))
    else format('%s in (%s)', value, string_agg(format('%L::jsonb', c.choice), ', '))
  end
  from jsonb_array_elements(choices) c (choice)
$$;
