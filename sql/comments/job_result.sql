comment on table jobtable.job_result is
'Facet: what the executor of a completed job returned.

No row if it returned nothing. Removed with the job, and when it is resubmitted.';

comment on column jobtable.job_result.job is
'The job.';

comment on column jobtable.job_result.value is
'What the executor returned, as JSON.';

comment on index jobtable.job_result_pkey is
'Serves jobtable.job_report and a client that reads a result.';
