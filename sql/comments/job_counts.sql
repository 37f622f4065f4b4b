comment on view jobtable.job_counts is
'How many jobs each type has in each status, over all owners. One row for each pair that has any.

Always exact for what the reader sees: each change is counted in its own transaction. It reads a
short list and no job: about a millisecond, however many jobs there are.';

comment on column jobtable.job_counts.type is
'Name of the type.';

comment on column jobtable.job_counts.status is
'The status.';

comment on column jobtable.job_counts.count is
'How many jobs are in it.';
