comment on table jobtable.job_share is
'Which owners let whom see their jobs, or steer them too.

Heeded while owners are kept apart with sharing: jobtable.enable_isolation(sharing => true). An
owner writes rows of its own.';

comment on column jobtable.job_share.owner is
'Whose jobs: all of them, with their facets. Default: jobtable.current_owner().';

comment on column jobtable.job_share.grantee is
'Who may: the name of an owner; or "role:" and the name of a PostgreSQL role, for all its members.

An owner whose own name begins with "role:" is nobody''s grantee.';

comment on column jobtable.job_share.level is
'What is allowed: view, or act, which is to steer, cancel and resubmit as well. Default view.';

comment on index jobtable.job_share_pkey is
'Serves the policies of jobs: the owners who share with one.';

comment on index jobtable.job_share_owner_idx is
'Serves an owner that looks at what it shares.';
