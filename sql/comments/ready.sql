comment on table jobtable_internal.ready is
'What may be claimed now: one row for each statement and lane, of at most 240 jobs.

An entry is a hint where to look. The row of the job decides whether it may start, so that an
entry of a job that is gone, paused or moved does no harm.';

comment on column jobtable_internal.ready.lane is
'Type and priority as one number: type id × 65,536 + priority + 32,768.';

comment on column jobtable_internal.ready.seq is
'Place in the lane: older entries have smaller numbers. The lowest id of those that an INSERT has
made claimable, else a new number of the same sequence.';

comment on column jobtable_internal.ready.ids is
'The jobs, in the order in which they shall start.';

comment on index jobtable_internal.ready_pkey is
'Serves the claim: the first lane of a type that has entries, and its entries from the oldest
on.';
