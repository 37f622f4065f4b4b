-- Until the transaction's end no other worker starts or stops: what one does about the types that
-- nobody runs any more, the other knows.
create or replace function jobtable_internal.lock_workers() returns void
language sql volatile
return pg_advisory_xact_lock(hashtextextended('jobtable: workers', 0));
