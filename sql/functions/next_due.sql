-- How many milliseconds it is to the next job of the future: 0 if its time has come, null if there
-- is none.
create or replace function jobtable_internal.next_due() returns double precision
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz;
begin
  select d.at into v_at from jobtable_internal.due d order by d.at, d.id limit 1;
  return case
    when isfinite(v_at) then
      greatest(0, extract(epoch from v_at - jobtable_internal.clock()) * 1000)
  end;
end
$$;
