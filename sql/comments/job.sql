comment on table jobtable.job is
'The queue: one row a job. INSERT a row and it runs.

SELECT watches jobs, UPDATE steers them, DELETE cancels those that have not begun. An explicit NULL
in a column with a default means the default.

INSERT by a client: type, payload, owner, title, properties, priority, run_at, paused,
max_attempts, timeout, key.
UPDATE by a client: payload while new; priority, run_at, paused, max_attempts and timeout until
the job starts; title and properties at any time; cancel_requested of a started job; status to new
of a finished one.

Errors at INSERT: JT001 (no such type), JT002 (payload does not fit its schema, or no object; a
bad value elsewhere), JT003 (not supported yet), JT004 (written by the queue alone), JT022 and JT023
(quota), JT026 (type disabled), JT029 (no owner), 23505 (key held).
Errors at UPDATE: JT002, JT003, JT004, JT005 (no such transition), JT007 (finished, cannot be
cancelled), JT008 (key held), JT009 (fixed at INSERT), JT010 (too late).
Errors at DELETE: JT006 (started).
Errors at TRUNCATE: always; 0A000 of PostgreSQL, and with CASCADE JT011.';

comment on column jobtable.job.id is
'Number of the job.

Generated, never given out twice; numbers are given out in order of allocation, not of commit, and
some are skipped. Null is drawn. A value of the client''s is refused (JT004), but for the last
number that its session has drawn, while no job has it: one that was never inserted, or whose job
another session has deleted. Fixed (JT009).';

comment on column jobtable.job.status is
'Where the job stands.

The queue alone writes it: INSERT accepts new or null (else JT004). UPDATE accepts only completed,
failed or cancelled → new, which runs the job again (else JT005); refused while another unfinished
job holds its key (JT008).';

comment on column jobtable.job.attempt is
'How many attempts have begun; while the job is started, the number of this one.

0 before the first. It goes on counting when a job is given back or resubmitted. Queue only
(JT004).';

comment on column jobtable.job.queued_at is
'When the job was handed to a worker.

Equal to started_at if it began in the same write. Null while new. Queue only (JT004).';

comment on column jobtable.job.started_at is
'When the executor of the latest attempt began.

Null until then, and again after the job was given back or resubmitted. Queue only (JT004).';

comment on column jobtable.job.finished_at is
'When the job became completed, failed or cancelled.

Null until then, and again after it was resubmitted. Retention counts from here. Queue only
(JT004).';

comment on column jobtable.job.failed_at is
'finished_at of a failed job.

Null in every other status. Queue only (JT004).';

comment on column jobtable.job.worker is
'Number of the worker that holds the job, or held it last: jobtable.worker.id.

Null while new. No foreign key: the worker''s row may be gone. Queue only (JT004).';

comment on column jobtable.job.lease is
'Token of the claim that handed the job to its worker.

Random, one for each claim. Only its holder may finish the job. Null while new; kept after the job
has finished. Queue only (JT004).';

comment on column jobtable.job.uncharged is
'How many of the attempts do not count towards max_attempts.

Those that ended because their worker stopped, and all that lie before a resubmission. Default 0.
Queue only (JT004).';

comment on column jobtable.job.max_attempts is
'Attempts before the job is failed.

Null means its type''s. At least 1 (JT002). May be changed until the job starts (JT010). An attempt
that ends because its worker stops does not count, nor one that is snoozed; one whose worker is
lost does.';

comment on column jobtable.job.priority is
'Smaller runs sooner, among the due jobs that a worker has executors for.

Null means the priority of its type, taken when the job becomes claimable. A client may change it
until the job starts (then JT010); changed to null it becomes the priority that the type has then.';

comment on column jobtable.job.created_at is
'When the transaction that inserted the job began.

Queue only: any other value is refused (JT004).';

comment on column jobtable.job.run_at is
'The job does not start before this time.

Default and null: now, that is when the transaction began. ''infinity'' is never; times before our
era, ''-infinity'' among them, are refused (JT002). A client may change it until the job starts
(then JT010). A resubmission that leaves it as it is sets it to now.';

comment on column jobtable.job.paused is
'Held back: the job does not start while this is true.

Default and null: false. A client may change it until the job starts (then JT010).';

comment on column jobtable.job.cancel_requested is
'Asks a started job to stop: its executor''s signal fires.

The job ends cancelled if the executor then ends with an error, or has not ended within its
worker''s grace period; completed if it returns all the same. Who asked, when and why is in
jobtable.job_cancel. Default and null: false. A client may set it to true while the job is started:
before that it is refused (JT005; DELETE cancels), after that too (JT007), and at INSERT (JT003).
Setting it back to false calls nobody back. Resubmission clears it.';

comment on column jobtable.job.holds_key is
'Whether the job holds its key: it has one, and has not finished.

Written by the queue alone (JT004). ON CONFLICT with a target names
it: on conflict (owner, type, key) where holds_key.';

comment on column jobtable.job.memory_mb is
'Memory that the job needs, in megabytes.

Not supported by this version: anything but null is refused (JT003).';

comment on column jobtable.job.parent is
'The workflow that the job is a member of.

Not supported by this version: anything but null is refused (JT003).';

comment on column jobtable.job.timeout is
'The longest run of one attempt.

Null means its type''s. Above 0 and finite (JT002). May be changed until the job starts (JT010).
When it is over, the executor''s signal fires; an executor that has not ended within its worker''s
grace period (5 seconds by default) is given up, and the attempt has timed out.';

comment on column jobtable.job.cpus is
'Processors that the job needs.

Not supported by this version: anything but null is refused (JT003).';

comment on column jobtable.job.type is
'What kind of job it is: the name of an executor, jobtable.job_type.name.

Required. A name that is not registered is refused with the nearest known names, null is refused too
(JT001). Fixed at INSERT (JT009).';

comment on column jobtable.job.owner is
'Whose job it is.

Default and null: jobtable.current_owner(); if that is null, JT029. Any text of at most 1,000 bytes
(JT002). Quotas go by it, and so does who sees and steers the job once enable_isolation keeps owners
apart. Fixed at INSERT (JT009).';

comment on column jobtable.job.payload is
'The job''s arguments: a JSON object.

Default and null: {}. What does not fit jobtable.job_type.payload_schema, anything but an object,
and more than 16 MB as text, is refused (JT002). What SQL cannot decide the executor checks before
it begins: a job whose payload does not fit then ends failed. A client may change it while the job
is new (then JT010), and in the UPDATE that resubmits it.';

comment on column jobtable.job.title is
'What people call the job.

Null: jobtable.job_report shows type and id instead. A client may change it at any time.';

comment on column jobtable.job.key is
'At most one unfinished job has this key for its owner and type.

Null: no such limit. At most 1,000 bytes (JT002). INSERT of a second one is refused (23505), or
does nothing with ON CONFLICT DO NOTHING. A finished job keeps its key for the record and does not
hold it. Fixed at INSERT (JT009).';

comment on column jobtable.job.status_detail is
'One line for people: why the job failed, was cancelled or given back.

At most about 500 characters. Null if there is nothing to say. Kept while the job runs again.
Queue only (JT004).';

comment on column jobtable.job.template is
'The template whose values fill what the row leaves out.

Not supported by this version: anything but null is refused (JT003).';

comment on column jobtable.job.properties is
'Programs'' own attributes of the job: a JSON object.

Default and null: {}. Anything but an object, and more than 16 MB as text, is refused (JT002). The
queue does not look into it. A client may change it at any time.';

comment on index jobtable.job_pkey is
'Serves every look-up by id: a client''s, a worker''s claim and finish, a facet''s foreign key.';

comment on index jobtable.job_key_is_held_once is
'Serves the key: refuses a second unfinished job, answers ON CONFLICT, finds who holds a key.

Jobs without a key are not in it, so that it costs them nothing.';

comment on index jobtable.job_failed_at_idx is
'Serves the failures of a time: where failed_at > $1 order by failed_at.

Only failed jobs are in it, so that it costs the others nothing.';
