comment on sequence jobtable_internal.ready_seq is
'Numbers the entries of jobtable_internal.ready over all lanes, in the order of their making.';

comment on table jobtable_internal.ready is
'What may be claimed now: one row for each statement and lane, of at most 240 jobs.

An entry is a hint where to look. The row of the job decides whether it may start, so that an
entry of a job that is gone, paused or moved does no harm.';

comment on column jobtable_internal.ready.lane is
'Type and priority as one number: type id × 65,536 + priority + 32,768.';

comment on column jobtable_internal.ready.seq is
'Place in the lane: older entries have smaller numbers.';

comment on column jobtable_internal.ready.ids is
'The jobs, in the order in which they shall start.';

comment on index jobtable_internal.ready_pkey is
'Serves the claim: the first lane of a type that has entries, and its entries from the oldest
on.';
