comment on table jobtable_internal.turn is
'What is known of the owners that have a quota. Whoever locks a row has the turn to insert.';

comment on column jobtable_internal.turn.owner is
'The owner.';

comment on column jobtable_internal.turn.unfinished is
'Not fewer than its unfinished jobs, if their number is limited: INSERTs add, and which of them
have finished since is looked up when the quota seems used up.';

comment on column jobtable_internal.turn.lowest is
'No job with a smaller id is counted: a count begins there, and does not pass through the entries
that it has removed before and that an old snapshot keeps.';

comment on column jobtable_internal.turn.seconds is
'Seconds since 1970 in which jobs were inserted, of the last minute with any.';

comment on column jobtable_internal.turn.inserted is
'How many in each of these seconds.';

comment on index jobtable_internal.turn_pkey is
'Serves the check of an INSERT: the owner''s turn.';
