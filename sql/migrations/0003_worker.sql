create table jobtable.worker (
  id bigint generated always as identity,
  host text not null,
  pid integer not null,
  version text not null,
  types text[] not null,
  capacity integer not null,
  running integer not null default 0,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  stopped_at timestamptz,
  constraint worker_pkey primary key (id),
  constraint capacity_is_positive check (capacity > 0),
  constraint running_is_not_negative check (running >= 0)
) with (fillfactor = 50);
