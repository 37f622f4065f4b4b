comment on table jobtable_internal.isolation is
'Whether owners are kept apart, by which roles, and who the owner of a session is. One row.';

comment on column jobtable_internal.isolation.enabled is
'Whether owners are kept apart.';

comment on column jobtable_internal.isolation.reader is
'The role whose members see the jobs of their owner. As for the other roles, empty: none, to be kept
so; null: not chosen yet.';

comment on column jobtable_internal.isolation.submitter is
'The role whose members insert and steer the jobs of their owner.';

comment on column jobtable_internal.isolation.operator is
'The role whose members see and steer all jobs.';

comment on column jobtable_internal.isolation.worker is
'The role whose members run jobs.';

comment on column jobtable_internal.isolation.admin is
'The role whose members may do all that a client can, for any owner.';

comment on column jobtable_internal.isolation.sharing is
'Whether jobtable.job_share is heeded.';

comment on column jobtable_internal.isolation.owner_source is
'What jobtable.current_owner() asks: any, setting, jwt, role or function.';

comment on column jobtable_internal.isolation.owner_detail is
'Path of the claim for any and jwt, name of the function for function.';

comment on column jobtable_internal.isolation.policies_hash is
'MD5 of the policies that were applied last: the same ones are not applied again, since that locks
the job table.';

comment on column jobtable_internal.isolation.only_row is
'Always true: the key that keeps the table at one row.';

comment on index jobtable_internal.isolation_is_one_row is
'Serves whoever asks: finds the only row.';
