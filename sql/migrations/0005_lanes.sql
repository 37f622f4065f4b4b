-- What may be claimed now: one row per statement and lane, at most 240 ids each, so that a row
-- stays below the size at which PostgreSQL would compress or move it out of line (2 kB). Places
-- come from the sequence of ids: an INSERT has drawn one already, and a second sequence, which all
-- clients lock in turns, took a tenth of 32 clients' rate.
create table jobtable_internal.ready (
  lane bigint not null,
  seq bigint not null default nextval('jobtable.job_id_seq'),
  ids bigint[] not null,
  constraint ready_pkey primary key (lane, seq)
) with (
  vacuum_truncate = off,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

-- What may be claimed later: scheduled jobs, and jobs to look at again in a moment.
create table jobtable_internal.due (
  at timestamptz not null,
  id bigint not null,
  constraint due_pkey primary key (at, id)
) with (
  vacuum_truncate = off,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_cost_delay = 0
);

-- A receipt for every batch that was claimed, in rows of at most 240 ids, so that what a worker
-- holds is found without an index on job.worker (which would cost every job its heap-only updates).
create table jobtable_internal.claim (
  lease bigint not null,
  n integer not null default 1,
  worker bigint not null,
  claimed_at timestamptz not null,
  ids bigint[] not null,
  constraint claim_pkey primary key (worker, lease, n)
) with (
  vacuum_truncate = off,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

-- Append-only lists of finished ids, so that a purge reads only what it removes.
create table jobtable_internal.finished (
  type_id integer not null,
  failed boolean not null,
  at timestamptz not null,
  seq bigint generated always as identity,
  ids bigint[] not null,
  constraint finished_pkey primary key (type_id, failed, at, seq)
) with (autovacuum_vacuum_cost_delay = 0);
