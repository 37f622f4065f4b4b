comment on table jobtable.job_log is
'Facet: the lines that executors log. Any number a job; in order of id.

Written at most every 100 ms or so; the last line is visible no later than the final status.
Removed with the job; kept when it is resubmitted.';

comment on column jobtable.job_log.job is
'The job.';

comment on column jobtable.job_log.id is
'Number of the line. Later lines of a job have greater numbers.';

comment on column jobtable.job_log.attempt is
'The attempt that logged it.';

comment on column jobtable.job_log.at is
'When it was logged, by the clock of the database.';

comment on column jobtable.job_log.level is
'One of trace, debug, info, warn, error, fatal.';

comment on column jobtable.job_log.message is
'The line. An executor''s is at most 10,000 characters.';

comment on column jobtable.job_log.fields is
'Structured fields, a JSON object.

Null if there are none.';

comment on index jobtable.job_log_pkey is
'Serves the log of a job in order, and what is new of it: where job = $1 and id > $2 order by
id.';
