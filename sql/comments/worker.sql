comment on table jobtable.worker is
'The worker processes, one row each. Written by the workers alone.

A worker is alive if stopped_at is null and seen_at is recent: it writes seen_at every 5 seconds
unless it is set up otherwise. Rows go 3 days after the worker stopped, or 30 days after it was
last seen.';

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

comment on column jobtable.worker.capacity is
'How many jobs it runs at once.';

comment on column jobtable.worker.running is
'How many jobs it held when it was last seen: those that run, and those in its local queue.';

comment on column jobtable.worker.started_at is
'When it started.';

comment on column jobtable.worker.seen_at is
'Its latest sign of life, by the clock of the database.';

comment on column jobtable.worker.stopped_at is
'When it stopped in good order.

Null while it runs, and if it was killed.';

comment on index jobtable.worker_pkey is
'Serves the heartbeat of a worker, and the host of a job in jobtable.job_report.';
