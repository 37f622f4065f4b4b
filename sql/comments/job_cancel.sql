comment on table jobtable.job_cancel is
'Facet: who asked a started job to stop, when and why.

Written when cancel_requested is set. Removed with the job, and when it is resubmitted.';

comment on column jobtable.job_cancel.job is
'The job.';

comment on column jobtable.job_cancel.requested_at is
'When it was asked to stop.';

comment on column jobtable.job_cancel.requested_by is
'Who asked: as jobtable.current_owner() tells.';

comment on column jobtable.job_cancel.reason is
'Why, as jobtable.cancel was told, at most 1,000 characters.

Null if nothing was said.';

comment on index jobtable.job_cancel_pkey is
'Serves the executor that is asked to stop, and the reports.';
