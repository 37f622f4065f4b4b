-- A value for people, who ask what was found: its kind, and its beginning.
create or replace function jobtable_internal.json_brief(value jsonb) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case jsonb_typeof(value)
    when 'null' then 'null'
    when 'boolean' then value::text
    when 'object' then 'an object'
    when 'array' then format('an array of %s', jsonb_array_length(value))
    else format('%s %s', jsonb_typeof(value),
      case when char_length(value::text) <= 60 then value::text
      else left(value::text, 57) || '…' end)
  end
$$;
