comment on table jobtable.worker is
'The worker processes, one row each. Written by the workers alone.

A worker is alive if stopped_at and lost_at are null and seen_at is recent. One that stays silent
for longer than its lease is taken for lost, and its jobs run elsewhere. Rows go 3 days after the
worker stopped or was lost; while one may hold jobs, its DELETE is refused (JT017).';

comment on column jobtable.worker.id is
'Number of the worker. Every start draws a new one.';

comment on column jobtable.worker.host is
'Name of the machine it runs on.';

comment on column jobtable.worker.pid is
'Process id on that machine.';

comment on column jobtable.worker.version is
'Version of jobtable that it runs.';

comment on column jobtable.worker.types is
'Names of the job types that it has executors for.';

comment on column jobtable.worker.limits is
'How many jobs of each of its types it runs at once, in the order of types.

One that is larger than capacity, or not there, does not matter.';

comment on column jobtable.worker.capacity is
'How many jobs it runs at once.';

comment on column jobtable.worker.running is
'How many jobs it held when it was last seen: those that run, and those in its local queue.';

comment on column jobtable.worker.heartbeat_ms is
'How often it gives a sign of life, in milliseconds.';

comment on column jobtable.worker.lease_ms is
'How long it may be silent before others take its jobs for lost, in milliseconds.';

comment on column jobtable.worker.listens is
'Whether it has a session in which it listens, and whose end shows that it died.';

comment on column jobtable.worker.started_at is
'When it started.';

comment on column jobtable.worker.seen_at is
'Its latest sign of life, by the clock of the database.';

comment on column jobtable.worker.stopped_at is
'When it stopped in good order.

Null while it runs, and if it was killed: see lost_at.';

comment on column jobtable.worker.lost_at is
'When others took it for lost, and its jobs.

Null if they did not, and again when it turns out to live.';

comment on column jobtable.worker.settled_at is
'When it was certain that none of its jobs is left to be rescued.

Null while it lives.';

comment on index jobtable.worker_pkey is
'Serves the heartbeat of a worker, and the host of a job in jobtable.job_report.';
