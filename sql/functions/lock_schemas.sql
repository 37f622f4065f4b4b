-- Until the transaction's end nobody else changes a schema of payloads: two that make the
-- dispatchers at once would fail.
create or replace function jobtable_internal.lock_schemas() returns void
language sql volatile
return pg_advisory_xact_lock(hashtextextended('jobtable: schemas of payloads', 0));
