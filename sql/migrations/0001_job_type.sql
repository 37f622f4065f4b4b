create table jobtable.job_type (
  id integer generated always as identity (maxvalue 8388607),
  name text not null,
  description text,
  priority smallint not null default 0,
  retention interval default interval '3 days',
  failed_retention interval default interval '3 days',
  created_at timestamptz not null default jobtable_internal.transaction_clock(),
  updated_at timestamptz not null default jobtable_internal.transaction_clock(),
  constraint job_type_pkey primary key (name),
  constraint job_type_id_is_unique unique (id),
  constraint name_is_not_blank check (btrim(name) <> '' and octet_length(name) <= 200),
  constraint retention_is_not_negative check (retention >= interval '0'),
  constraint failed_retention_is_not_negative check (failed_retention >= interval '0')
);
