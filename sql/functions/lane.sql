-- A lane is one type at one priority, as one number whose order within a type is the priority.
create or replace function jobtable_internal.lane(type_id integer, priority smallint) returns bigint
language sql immutable parallel safe
return (type_id::bigint << 16) | (priority::integer + 32768);
