-- A JSON number as ECMAScript reads it: the nearest double, which may be infinite or zero where
-- PostgreSQL's own cast raises an error. Null for null.
create or replace function jobtable_internal.double_of(number jsonb) returns double precision
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number constant numeric := number::numeric;
begin
  return v_number::double precision;
exception when numeric_value_out_of_range then
  return case
    when abs(v_number) < 1 then 0::double precision
    when v_number > 0 then 'Infinity'
    else '-Infinity'
  end;
end
$$;
