comment on view jobtable.why_waiting_by_type is
'What keeps new jobs of a type waiting, all of them at once: one row for each type and reason.

A type without a row has no new jobs, or nothing keeps them. Reads no job.';

comment on column jobtable.why_waiting_by_type.type is
'Name of the type.';

comment on column jobtable.why_waiting_by_type.waiting is
'How many of its jobs are new.';

comment on column jobtable.why_waiting_by_type.reason is
'type_disabled, type_paused, no_worker, busy, as of why_waiting(id); or later: none is claimable
now.';

comment on column jobtable.why_waiting_by_type.detail is
'The same for people.';
