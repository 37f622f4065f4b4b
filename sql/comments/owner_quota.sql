comment on table jobtable.owner_quota is
'How much an owner may have in the queue. The owner * stands for all that have no row.

Heeded whether owners are kept apart or not; an owner without a row, where there is none for *, has
no quota and pays nothing for those of others. With a quota, the inserting transactions of one
owner follow one another. The first row locks the job table to switch the check on, the last one to
switch it off: 55P03 after 2 seconds, try again. INSERTs and workers then wait until it commits,
while the first row builds the index job_owner_idx if it is missing and counts. On a large table
build it before, by `create index concurrently job_owner_idx on jobtable.job (owner, id)`, and let
the first row, in a transaction of its own, be one without limits.

Changes need isolation level read committed: 25001 otherwise.';

comment on column jobtable.owner_quota.owner is
'The owner, or * for every owner that has no row of its own.';

comment on column jobtable.owner_quota.max_unfinished is
'How many jobs may be new, queued or started at once. Null: any number.

An INSERT or a resubmission beyond it is refused: JT022.';

comment on column jobtable.owner_quota.max_inserts_per_minute is
'How many jobs may be inserted or resubmitted within 60 seconds. Null: any number.

One beyond it is refused: JT023, with the time at which it would not be.';

comment on index jobtable.owner_quota_pkey is
'Serves the check of an INSERT: the quota of an owner.';
