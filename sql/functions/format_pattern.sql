-- What a `format` of a hand-written schema asks of a text, as a regular expression of PostgreSQL;
-- null for the formats that only a worker can tell.
create or replace function jobtable_internal.format_pattern(format text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  with part as (
    select
      '(?:(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29'
      '|[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])'
      '|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])))' as day,
      '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?'
      '(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])' as time,
      '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])' as byte
  )
  select case format
    when 'date' then '^' || p.day || '$'
    when 'time' then '^' || p.time || '$'
    when 'date-time' then '^' || p.day || '[Tt]' || p.time || '$'
    when 'ipv4' then '^(?:' || p.byte || '\.){3}' || p.byte || '$'
    when 'uuid' then '^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
  end
  from part p
$$;
