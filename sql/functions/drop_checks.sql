-- Drops what was compiled of a type's schemas up to a version.
create or replace function jobtable_internal.drop_checks(type_id integer, version integer)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_functions text;
begin
  select string_agg(p.oid::regprocedure::text, ', ') into v_functions
  from pg_proc p
  where p.pronamespace = 'jobtable_internal'::regnamespace
    -- The planner may take conditions in any order, and other names have no number there.
    and case when p.proname ~ format('^(check|fill|plan)_%s_\d+_\d', type_id)
      then split_part(p.proname, '_', 3)::integer <= version end;
  if v_functions is not null then
    execute 'drop function ' || v_functions;
  end if;
end
$$;
