--! requires: json_brief
-- One line of a refusal: where, what was expected, what was found.
create or replace function jobtable_internal.fault(place text, expected text, found jsonb)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select format('payload%s: expected %s, found %s', place, expected,
    case when found is null then 'nothing' else jobtable_internal.json_brief(found) end)
$$;
