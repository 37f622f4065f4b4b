comment on table jobtable.job_type is
'The types of jobs, one row each, written by workers from their executors.

A type must have its row before a job of it is inserted. `jobtable worker` registers its types
when it starts, `jobtable register` does it without a worker. An operator may change all but id and
name; the next worker whose executor says otherwise writes its own
again. DELETE is refused while jobs of the type exist (JT016).';

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

Default null: none. A change counts for attempts that begin some seconds after it.';

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

comment on column jobtable.job_type.created_at is
'When the type was registered first.';

comment on column jobtable.job_type.updated_at is
'When a registration last changed the row.';

comment on index jobtable.job_type_pkey is
'Serves the check of a job''s type at INSERT, and every look-up by name.';

comment on index jobtable.job_type_id_is_unique is
'Serves the rule that no two types share lanes.';
