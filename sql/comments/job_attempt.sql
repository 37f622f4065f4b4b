comment on table jobtable.job_attempt is
'Facet: the attempts that did not succeed, one row each.

Removed with the job; kept when it is resubmitted.';

comment on column jobtable.job_attempt.job is
'The job.';

comment on column jobtable.job_attempt.n is
'Number of the attempt: jobtable.job.attempt as it was. Never used twice for a job.';

comment on column jobtable.job_attempt.worker is
'Number of the worker that ran it.';

comment on column jobtable.job_attempt.started_at is
'When its executor began.';

comment on column jobtable.job_attempt.finished_at is
'When its outcome was written.';

comment on column jobtable.job_attempt.outcome is
'How it ended: failed, timed_out, lost, cancelled, or released.

lost: its worker died, or was silent for so long that others took it for dead. released: the worker
stopped and gave the job back; the attempt does not count.';

comment on column jobtable.job_attempt.error_name is
'Name of the error that the executor ended with, such as TypeError.

Null if there was none.';

comment on column jobtable.job_attempt.error_message is
'Its message, at most about 20,000 characters.

Null if there was none.';

comment on column jobtable.job_attempt.error_stack is
'Its stack, at most about 20,000 characters.

Null if there was none, or if what was thrown is not an Error.';

comment on column jobtable.job_attempt.error_cause is
'Its cause, in the form that Node prints, at most about 20,000 characters.

Null if it has none.';

comment on index jobtable.job_attempt_pkey is
'Serves the latest error of a job in jobtable.job_report, and its attempts in order.';
