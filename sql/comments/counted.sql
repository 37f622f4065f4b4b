comment on table jobtable_internal.counted is
'Of owners whose unfinished jobs are limited: all of these jobs, and some that have finished
since.';

comment on column jobtable_internal.counted.owner is
'The owner.';

comment on column jobtable_internal.counted.id is
'The job.';

comment on index jobtable_internal.counted_pkey is
'Serves the check of an INSERT: the jobs of an owner that may be unfinished.';
