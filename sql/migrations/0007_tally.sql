-- How many jobs each type has in each status, as a list of changes: whoever changes the status of
-- jobs adds a row for all of them, and nobody updates one. Adding up the list gives the counts.
create table jobtable_internal.tally (
  type_id integer not null,
  from_status jobtable.job_status,
  to_status jobtable.job_status,
  jobs bigint not null
) with (
  vacuum_truncate = off,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
