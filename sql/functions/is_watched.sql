-- Whether a worker has promised to look at a type's lanes within moments, so that a transaction
-- that makes jobs of it claimable need not notify. Null if nothing is known. Not with ||, which
-- takes a statement of one row longer to prepare.
create or replace function jobtable_internal.is_watched(type_id integer) returns boolean
language sql volatile
return to_timestamp(
    pg_sequence_last_value(to_regclass(concat('jobtable_internal.watched_', type_id)))
  ) > clock_timestamp();
