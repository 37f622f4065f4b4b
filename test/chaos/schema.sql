-- What a run writes down beside the queue's own tables, to hold against them at the end.
create schema chaos;

-- One order for everything that is written down: the clock cannot tell, since it is moved.
create sequence chaos.seq;

-- Every step of every job, in the transaction that takes it. A status of null: the row is gone.
create table chaos.step (
  seq bigint primary key default nextval('chaos.seq'),
  at timestamptz not null default clock_timestamp(),
  job bigint not null,
  type text not null,
  was text,
  status text,
  attempt integer not null,
  worker bigint,
  lease bigint,
  run_at timestamptz not null
);
create index step_job_idx on chaos.step (job, seq);
create index step_of_long_job_idx on chaos.step (seq) where type = 'chaos_long';

create function chaos.write_step() returns trigger
language plpgsql as $$
begin
  insert into chaos.step (job, type, was, status, attempt, worker, lease, run_at)
  values (
    coalesce(new.id, old.id), coalesce(new.type, old.type), old.status, new.status,
    coalesce(new.attempt, old.attempt), coalesce(new.worker, old.worker),
    coalesce(new.lease, old.lease), coalesce(new.run_at, old.run_at)
  );
  return null;
end
$$;

create trigger chaos_step_begun
after insert or delete on jobtable.job
for each row execute function chaos.write_step();

create trigger chaos_step_taken
after update on jobtable.job
for each row
when (old.status <> new.status or old.attempt <> new.attempt)
execute function chaos.write_step();

-- What executors tell of themselves, each record by itself. valid: at that moment the job was
-- started, in this attempt and under the lease of its begin.
create table chaos.trace (
  seq bigint primary key default nextval('chaos.seq'),
  job bigint not null,
  attempt integer not null,
  event text not null check (event in ('begin', 'end')),
  pid integer not null,
  lease bigint,
  valid boolean not null
);
create index trace_job_idx on chaos.trace (job);

-- What executors write through `transaction`. Nothing here keeps it from happening twice.
create table chaos.effect (job bigint not null, attempt integer not null);

-- What clients did, written in the same transaction.
create table chaos.inserted (job bigint primary key);
create table chaos.deleted (job bigint primary key);
create table chaos.resubmitted (job bigint not null);

-- What clients were told had happened, as they remember it; filled at the end.
create table chaos.acknowledged (job bigint not null, what text not null);

-- Strikes of faults: the processes of the workers that were struck (null: every one), from when to
-- when that excuses a lost lease, and what they held. Filled at the end.
create table chaos.strike (
  id integer primary key,
  fault text not null,
  pids integer[],
  from_seq bigint not null,
  to_seq bigint not null
);
create table chaos.held (strike integer not null references chaos.strike, job bigint not null);
