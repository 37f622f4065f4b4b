comment on type jobtable.job_status is
'Where a job stands: new → queued → started → completed, failed or cancelled.

new: not handed to a worker yet. queued: in a worker''s local queue, its executor has not begun.
started: its executor runs; committed before the executor''s first line. completed, failed and
cancelled are final: the job leaves them by resubmission, DELETE or retention only.';
