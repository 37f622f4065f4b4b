comment on table jobtable_internal.tally is
'Changes of status, one row for each statement, type and kind of change; see jobtable.job_counts.

Written in the transaction that makes the change, folded by the workers.';

comment on column jobtable_internal.tally.type_id is
'Type of the jobs: jobtable.job_type.id.';

comment on column jobtable_internal.tally.from_status is
'The status that they had; null: they were inserted, or counted before.';

comment on column jobtable_internal.tally.to_status is
'The status that they have got; null: they were deleted.';

comment on column jobtable_internal.tally.jobs is
'How many; of a row that was folded, how many more than have left the status since.';
