-- The id of the type of a lane: what lane() put into its upper bits.
create or replace function jobtable_internal.lane_type(lane bigint) returns integer
language sql immutable parallel safe
return (lane >> 16)::integer;
