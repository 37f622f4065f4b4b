-- The body of a dispatcher: finds one of many types by comparing with the one in the middle, again
-- and again. `names` are sorted by their bytes; `results` are the expressions to return.
create or replace function jobtable_internal.dispatch_tree(names text[], results text[])
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_half constant integer := cardinality(names) / 2;
begin
  return case cardinality(names)
    when 0 then ''
    when 1 then format(E'if type = %L then return %s; end if;\n', names[1], results[1])
    else format(E'if type < %L collate "C" then\n%selse\n%send if;\n', names[v_half + 1],
      jobtable_internal.dispatch_tree(names[1 : v_half], results[1 : v_half]),
      jobtable_internal.dispatch_tree(names[v_half + 1 :], results[v_half + 1 :]))
  end;
end
$$;
