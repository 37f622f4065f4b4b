create table jobtable.job_progress (
  job bigint not null,
  fraction double precision,
  stage text,
  message text,
  updated_at timestamptz not null default jobtable_internal.transaction_clock(),
  constraint job_progress_pkey primary key (job),
  constraint job_progress_of_a_job foreign key (job) references jobtable.job (id) on delete cascade,
  constraint fraction_is_between_0_and_1 check (fraction between 0 and 1)
) with (fillfactor = 50);

create table jobtable.job_result (
  job bigint not null,
  value jsonb not null,
  constraint job_result_pkey primary key (job),
  constraint job_result_of_a_job foreign key (job) references jobtable.job (id) on delete cascade
);

create table jobtable.job_attempt (
  job bigint not null,
  n integer not null,
  worker bigint,
  started_at timestamptz,
  finished_at timestamptz not null,
  outcome text not null,
  error_name text,
  error_message text,
  error_stack text,
  error_cause text,
  constraint job_attempt_pkey primary key (job, n),
  constraint job_attempt_of_a_job foreign key (job) references jobtable.job (id) on delete cascade,
  constraint outcome_is_known check (
    outcome in ('failed', 'timed_out', 'lost', 'released', 'cancelled')
  )
);

create table jobtable.job_log (
  job bigint not null,
  id bigint generated always as identity,
  attempt integer not null,
  at timestamptz not null,
  level text not null,
  message text not null,
  fields jsonb,
  constraint job_log_pkey primary key (job, id),
  constraint job_log_of_a_job foreign key (job) references jobtable.job (id) on delete cascade,
  constraint level_is_known check (level in ('trace', 'debug', 'info', 'warn', 'error', 'fatal'))
);

create table jobtable.job_cancel (
  job bigint not null,
  requested_at timestamptz not null,
  requested_by text not null,
  reason text,
  constraint job_cancel_pkey primary key (job),
  constraint job_cancel_of_a_job foreign key (job) references jobtable.job (id) on delete cascade
);
