-- A lane is one type at one priority, as one number whose order within a type is the priority. In
-- as few operators as possible, since a statement of one row spends more on preparing each than on
-- it.
create or replace function jobtable_internal.lane(type_id integer, priority smallint) returns bigint
language sql immutable parallel safe
return type_id * 65536::bigint + priority + 32768;
