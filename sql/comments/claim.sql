comment on table jobtable_internal.claim is
'Receipts: a row for every 240 jobs of each claim that handed out any. Written by workers alone.

They tell what a worker holds without an index on jobtable.job.worker. A receipt goes with the
first heartbeat after the worker has written the last outcome under its lease.';

comment on column jobtable_internal.claim.lease is
'The random token of the claim.';

comment on column jobtable_internal.claim.n is
'Where in the claim''s list of jobs the row begins, from 1.';

comment on column jobtable_internal.claim.worker is
'The worker that claimed.';

comment on column jobtable_internal.claim.claimed_at is
'When it did.';

comment on column jobtable_internal.claim.ids is
'The jobs handed out. Empty: a lost call''s lease, taken so that the call can never succeed
later.';

comment on index jobtable_internal.claim_pkey is
'Serves the fence (one claim of a worker''s under a lease, so that a call whose answer was lost
happens once or never) and the receipts of one worker: at a heartbeat, at its end, and after a lost
answer.';
