-- How many faults of a payload a refusal tells. Whoever has found more looks for no others.
create or replace function jobtable_internal.most_faults() returns integer
language sql immutable
return 50;
