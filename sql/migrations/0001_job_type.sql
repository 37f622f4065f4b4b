create table jobtable.job_type (
  id integer generated always as identity (maxvalue 8388607),
  name text not null,
  description text,
  priority smallint not null default 0,
  max_attempts smallint not null default 1,
  timeout interval,
  backoff text not null default 'exponential',
  backoff_delay interval not null default interval '5 seconds',
  backoff_limit interval not null default interval '1 hour',
  backoff_jitter double precision not null default 0.1,
  retention interval default interval '3 days',
  failed_retention interval default interval '3 days',
  max_running integer,
  facets text[],
  enabled boolean not null default true,
  paused boolean not null default false,
  history boolean not null default false,
  history_retention interval default interval '90 days',
  live boolean not null default false,
  declared jsonb not null default '{}',
  overrides text[] not null default '{}',
  payload_schema jsonb,
  payload_schema_source text not null default 'code',
  payload_version integer not null default 0,
  payload_undecided jsonb not null default '[]',
  created_at timestamptz not null default jobtable_internal.transaction_clock(),
  updated_at timestamptz not null default jobtable_internal.transaction_clock(),
  constraint job_type_pkey primary key (name),
  constraint job_type_id_is_unique unique (id),
  constraint name_is_not_blank check (btrim(name) <> '' and octet_length(name) <= 200),
  constraint max_attempts_is_positive check (max_attempts > 0),
  constraint timeout_is_positive check (timeout > interval '0'),
  constraint timeout_is_finite check (isfinite(timeout)),
  constraint backoff_is_known check (backoff in ('fixed', 'exponential')),
  constraint backoff_delay_is_not_negative check (backoff_delay >= interval '0'),
  constraint backoff_limit_is_not_negative check (backoff_limit >= interval '0'),
  constraint backoff_is_finite check (isfinite(backoff_delay) and isfinite(backoff_limit)),
  constraint backoff_jitter_is_a_share check (backoff_jitter between 0 and 1),
  constraint retention_is_not_negative check (retention >= interval '0'),
  constraint failed_retention_is_not_negative check (failed_retention >= interval '0'),
  constraint history_retention_is_not_negative check (history_retention >= interval '0'),
  constraint payload_schema_is_from_code_or_operator check (
    payload_schema_source in ('code', 'operator')
  )
);

create index job_type_halted_idx on jobtable.job_type (id) where paused or not enabled;

-- Every schema of payloads that executors have declared for a type, the newest last: one that was
-- superseded stays so, whoever starts again.
create table jobtable_internal.declared_schema (
  type_id integer not null,
  n integer not null,
  schema jsonb,
  declared_at timestamptz not null default jobtable_internal.transaction_clock(),
  constraint declared_schema_pkey primary key (type_id, n)
);
