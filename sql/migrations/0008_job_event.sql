-- No foreign keys: events outlive their jobs.
create table jobtable.job_event (
  id bigint generated always as identity,
  job bigint not null,
  at timestamptz not null,
  actor text not null,
  type text not null,
  owner text not null,
  from_status jobtable.job_status,
  to_status jobtable.job_status,
  detail jsonb,
  constraint job_event_pkey primary key (job, id)
) with (autovacuum_vacuum_cost_delay = 0);

create index job_event_type_at_idx on jobtable.job_event (type, at);
