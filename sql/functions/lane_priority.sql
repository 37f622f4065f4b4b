-- The priority of a lane: what lane() put into its lower 16 bits.
create or replace function jobtable_internal.lane_priority(lane bigint) returns smallint
language sql immutable parallel safe
return ((lane & 65535)::integer - 32768)::smallint;
