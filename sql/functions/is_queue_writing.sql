--! requires: writer_at
-- Whether the statement that has fired the asking trigger is the queue's own.
create or replace function jobtable_internal.is_queue_writing() returns boolean
language sql stable
return current_setting('jobtable.writer', true)
  is not distinct from jobtable_internal.writer_at(pg_trigger_depth() - 1);
