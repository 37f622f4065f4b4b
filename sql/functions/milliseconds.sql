-- An interval in milliseconds.
create or replace function jobtable_internal.milliseconds(duration interval)
returns double precision
language sql immutable
return date_part('epoch', duration) * 1000;
