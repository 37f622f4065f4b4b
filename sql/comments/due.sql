comment on table jobtable_internal.due is
'What may be claimed later: jobs of a later run_at, and jobs to look at again in a moment.

Jobs whose time has come move to jobtable_internal.ready before each claim. An entry is a hint, as
there.';

comment on column jobtable_internal.due.at is
'When to look at the job.';

comment on column jobtable_internal.due.id is
'The job.';

comment on index jobtable_internal.due_pkey is
'Serves the claim: the entries whose time has come, and the time of the next one.';
