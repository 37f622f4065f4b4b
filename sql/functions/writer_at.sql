-- What jobtable.writer says while the queue itself writes at a depth of triggers. A user's trigger
-- that such a write fires runs deeper, and is a client.
create or replace function jobtable_internal.writer_at(depth integer) returns text
language sql immutable parallel safe
return case depth when 0 then 'queue' else 'queue ' || depth end;
