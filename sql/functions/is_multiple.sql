-- Whether a double is a multiple of another, as zod decides it: within four units of the last place
-- of the quotient, since neither is exactly the decimal that was meant.
create or replace function jobtable_internal.is_multiple(
  number double precision, step double precision
) returns boolean
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  c_epsilon constant double precision := 2.220446049250313e-16;
  v_ratio double precision;
begin
  if abs(number) = 'Infinity' then
    return false;
  end if;
  v_ratio := number / step;
  return v_ratio = round(v_ratio)
    or abs(v_ratio - round(v_ratio)) < 4 * c_epsilon * greatest(abs(v_ratio), 1);
exception when numeric_value_out_of_range then
  -- The quotient overflows, or is too small to tell from zero.
  return abs(number) < 1;
end
$$;
