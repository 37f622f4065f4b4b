comment on table jobtable.job_progress is
'Facet: how far a job is. One row a job, written by its executor.

No row until the executor tells something. Written at most every 100 ms or so; the final value is
visible no later than the final status. Removed with the job, and when it is resubmitted.';

comment on column jobtable.job_progress.job is
'The job.';

comment on column jobtable.job_progress.fraction is
'How much is done, from 0 to 1.

Null if the executor does not say.';

comment on column jobtable.job_progress.stage is
'Name of the present stage.

Null if the executor names none.';

comment on column jobtable.job_progress.message is
'One line for people.

Null if the executor says nothing.';

comment on column jobtable.job_progress.updated_at is
'When the row was last written.';

comment on index jobtable.job_progress_pkey is
'Serves jobtable.job_report and a client that follows a job; the upsert of a worker.';
