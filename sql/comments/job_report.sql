comment on view jobtable.job_report is
'One row a job, with progress, result, last error, run time, and what may be done to it.

Everything that a list or a page of jobs shows. Reads with the rights of the client. Filter by id,
or order by id and limit: it is as cheap as jobtable.job then.';

comment on column jobtable.job_report.id is 'Number of the job.';

comment on column jobtable.job_report.type is 'Its type.';

comment on column jobtable.job_report.status is 'Where it stands.';

comment on column jobtable.job_report.status_detail is
'One line for people: why it failed, was cancelled or given back. Null if there is nothing to
say, and while it runs again.';

comment on column jobtable.job_report.title is 'Its title, or its type and id if it has none.';

comment on column jobtable.job_report.owner is 'Whose job it is.';

comment on column jobtable.job_report.fraction is
'How much is done, from 0 to 1. Null if the executor has not said.';

comment on column jobtable.job_report.stage is 'Its present stage. Null if there is none.';

comment on column jobtable.job_report.message is
'The message of its progress. Null if there is none.';

comment on column jobtable.job_report.result is
'What its executor returned. Null if it has not completed, or returned nothing.';

comment on column jobtable.job_report.error_name is
'Name of the error of its latest attempt that did not succeed.

Null if there is none. A job that succeeds after a resubmission keeps it.';

comment on column jobtable.job_report.error_message is
'Message of the error of its latest attempt that did not succeed.

Null if there is none. A job that succeeds after a resubmission keeps it.';

comment on column jobtable.job_report.priority is 'Its priority: its own, else that of its type.';

comment on column jobtable.job_report.paused is 'Whether it is held back.';

comment on column jobtable.job_report.attempt is 'How many attempts have begun.';

comment on column jobtable.job_report.max_attempts is
'Attempts before it is failed: its own, else its type''s.';

comment on column jobtable.job_report.timeout is
'The longest run of one attempt: its own, else its type''s. Null if there is none.';

comment on column jobtable.job_report.key is 'Its key. Null if it has none.';

comment on column jobtable.job_report.created_at is 'When the transaction that inserted it began.';

comment on column jobtable.job_report.run_at is 'It does not start before this time.';

comment on column jobtable.job_report.queued_at is
'When it was handed to a worker. Null while new.';

comment on column jobtable.job_report.started_at is
'When the executor of its latest attempt began. Null until then.';

comment on column jobtable.job_report.finished_at is 'When it finished. Null until then.';

comment on column jobtable.job_report.wait_time is
'How long it was due before it started; of a job that has not started, until now.

Counted from created_at or run_at, whichever is later. Negative before run_at.';

comment on column jobtable.job_report.run_time is
'How long its latest attempt ran; of a started job, until now. Null until it starts.';

comment on column jobtable.job_report.worker is
'Number of the worker that holds it, or held it last. Null while new.';

comment on column jobtable.job_report.host is
'Machine of that worker. Null while new, and when the worker''s row is gone.';

comment on column jobtable.job_report.cancel_requested is 'Whether it was asked to stop.';

comment on column jobtable.job_report.payload is 'Its arguments.';

comment on column jobtable.job_report.properties is 'Programs'' own attributes of it.';

comment on column jobtable.job_report.can_cancel is
'Whether DELETE cancels it now: it has not begun.';

comment on column jobtable.job_report.can_terminate is
'Whether cancel_requested stops it now: it runs, and has not been asked yet.';

comment on column jobtable.job_report.can_resubmit is
'Whether it may run again now: it has finished, and no other unfinished job holds its key.';

comment on column jobtable.job_report.can_pause is
'Whether paused holds it back now: it has not begun, and is not paused yet.';
