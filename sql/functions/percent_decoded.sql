-- A piece of a URI without its percent signs.
create or replace function jobtable_internal.percent_decoded(piece text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bytes bytea := '';
  v_part text;
begin
  if piece !~ '%[0-9A-Fa-f]{2}' then
    return piece;
  end if;
  for v_part in
    select m[1] from regexp_matches(piece, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') m
  loop
    v_bytes := v_bytes || case when v_part ~ '^%.'
      then decode(substr(v_part, 2), 'hex') else convert_to(v_part, 'UTF8') end;
  end loop;
  return convert_from(v_bytes, 'UTF8');
end
$$;
