comment on table jobtable_internal.finished is
'Append-only lists of finished jobs, from which retention removes them.

One row for each batch, type and kind of outcome. Removed with the last of its jobs.';

comment on column jobtable_internal.finished.type_id is
'Their type: jobtable.job_type.id.';

comment on column jobtable_internal.finished.failed is
'Whether they failed, which has a retention of its own.';

comment on column jobtable_internal.finished.at is
'When they finished.';

comment on column jobtable_internal.finished.seq is
'Tells lists of the same moment apart.';

comment on column jobtable_internal.finished.ids is
'The jobs.';

comment on index jobtable_internal.finished_pkey is
'Serves the purge: the lists of one type and kind from the oldest on.';
