-- What a report calls a column of a facet: its own name, or with the facet's before it, or with the
-- facet's alias, which no other facet has.
create or replace function jobtable_internal.free_name(
  own name, facet name, alias text, taken name[]
) returns name
language sql immutable
return case
  when own <> all (taken) then own
  when (facet || '_' || own)::name <> all (taken) then (facet || '_' || own)::name
  else (alias || '_' || own)::name
end;
