-- Raises JT004 for an id that a client has set.
create or replace function jobtable_internal.refuse_id(id bigint) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT004',
    message = format('a client cannot set the id of a job (id = %s)', id),
    detail = 'The database numbers jobs; a number is never given out twice.',
    hint = 'Leave out the column id and read it with RETURNING id.';
end
$$;
