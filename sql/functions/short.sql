-- A value as a record keeps it: a large one by its size.
create or replace function jobtable_internal.short(value jsonb) returns jsonb
language sql immutable parallel safe
return case
  when pg_column_size(value) <= 2000 then value
  else jsonb_build_object('bytes', octet_length(value::text))
end;
