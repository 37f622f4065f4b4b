comment on table jobtable.job_type is
'The types of jobs, one row each, written by workers from their executors.

A type must have its row before a job of it is inserted. `jobtable worker` registers its types
when it starts, `jobtable register` does it without a worker. An operator may change every column
but id, name and declared: a column that then differs from what the executor declares is listed in
overrides, and later registrations leave it alone until reset_type(name), or until its name is taken
out of overrides. DELETE is refused while jobs of the type exist (JT016).';

comment on column jobtable.job_type.id is
'Number of the type, from which its lanes are numbered.

Generated. Fixed (JT009).';

comment on column jobtable.job_type.name is
'Name of the type: what jobtable.job.type says.

Not blank, at most 200 bytes. Fixed (JT009).';

comment on column jobtable.job_type.description is
'What jobs of the type do, for people.

Null if the executor says nothing.';

comment on column jobtable.job_type.priority is
'Priority of jobs that name none. Smaller runs sooner.

Default 0. A change counts for jobs that become claimable after it.';

comment on column jobtable.job_type.max_attempts is
'Attempts before a job is failed that says nothing itself.

Default 1. A change counts for attempts that end after it.';

comment on column jobtable.job_type.timeout is
'The longest run of one attempt of a job that says nothing itself.

Default null: none. Above 0 and finite. A change counts for attempts that begin some seconds after
it.';

comment on column jobtable.job_type.backoff is
'How the rest between attempts grows: exponential (it doubles with each attempt) or fixed.

Default exponential. An executor that throws RetryAfter says itself how long.';

comment on column jobtable.job_type.backoff_delay is
'The rest after the first attempt that failed or timed out.

Default 5 seconds. A job whose worker was lost does not rest.';

comment on column jobtable.job_type.backoff_limit is
'The longest rest.

Default 1 hour.';

comment on column jobtable.job_type.backoff_jitter is
'A random share by which the rest is longer or shorter, from 0 to 1.

Default 0.1: jobs that failed together do not come back together.';

comment on column jobtable.job_type.retention is
'How long a completed or cancelled job is kept after it finished.

Default 3 days; null keeps it for ever. A change counts for jobs that have finished already,
too.';

comment on column jobtable.job_type.failed_retention is
'How long a failed job is kept after it finished.

Default 3 days; null keeps it for ever. A change counts for jobs that have failed already, too.';

comment on column jobtable.job_type.max_running is
'How many jobs of the type may run at once, over all workers.

Not supported by this version (JT003): null.';

comment on column jobtable.job_type.facets is
'The facet tables that its executor declares, as create_report joins them.

Null if it declares none. A name without a schema is looked for in schema public, then in jobtable,
when a report is made (JT012): a table may be made after its type.';

comment on column jobtable.job_type.enabled is
'Whether jobs of the type may be inserted and claimed.

Default true. While false an INSERT is refused (JT026), and jobs that wait stay as they are. Those
that run go on.';

comment on column jobtable.job_type.paused is
'Whether its jobs are held: they may be inserted, and none is claimed until it is false again.

Default false. Jobs that run go on.';

comment on column jobtable.job_type.history is
'Whether each change of its jobs is written to jobtable.job_event.

Default false. The first type that sets it, and the last that takes it back, lock the job table
for a moment: 55P03 after 2 seconds, try again.';

comment on column jobtable.job_type.history_retention is
'How long an event of a job is kept.

Default 90 days; null keeps it for ever. The end of a job does not end its events.';

comment on column jobtable.job_type.live is
'Whether the ids of its jobs that change are notified on the channel jobtable_live.

Default false. The payload is {"type": …, "ids": […]}, one for each statement, without ids if there
are too many. It locks the job table as history does.';

comment on column jobtable.job_type.declared is
'What the executor says of the other columns, by name, as it was registered last.';

comment on column jobtable.job_type.overrides is
'The columns that an operator has set to other than declared, payload_schema among them.

Kept by the database. A name that is taken out, the column is as declared again.';
comment on column jobtable.job_type.payload_schema is
'What a payload of the type must be, as JSON Schema: checked at INSERT and UPDATE (JT002).

Null takes any object. Written by the worker whose executor declares another schema than any before;
an UPDATE of it by anybody else makes it the operator''s. A schema that is not understood is refused
(JT020). Its defaults are filled in at INSERT.';

comment on column jobtable.job_type.payload_schema_source is
'Whose the schema is: code (the newest that an executor has declared) or operator.

While it is operator, workers leave the schema alone. Set it to code to take theirs again.';

comment on column jobtable.job_type.payload_version is
'How often the schema has changed: 0 if there never was one. Written by the queue alone.';

comment on column jobtable.job_type.payload_undecided is
'What of the schema the database cannot decide.

Of a schema that an executor declares, the executor checks it before it runs; of one that an
operator has set, nobody does.

An array of objects: at (JSON pointer into the schema), keyword, why. Everything else is checked at
INSERT. Written by the queue alone.';

comment on column jobtable.job_type.created_at is
'When the type was registered first.';

comment on column jobtable.job_type.updated_at is
'When a registration last changed the row.';

comment on index jobtable.job_type_pkey is
'Serves the check of a job''s type at INSERT, and every look-up by name.';

comment on index jobtable.job_type_id_is_unique is
'Serves the rule that no two types share lanes.';

comment on index jobtable.job_type_halted_idx is
'Serves the claim: the types of which nothing may be claimed, mostly none.';
