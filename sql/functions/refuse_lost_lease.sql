-- Raises JT014: the caller no longer holds the job.
create or replace function jobtable_internal.refuse_lost_lease(id bigint) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT014',
    message = format('job %s is no longer held under this lease', id),
    detail = 'It has finished, was given back, or runs elsewhere; nothing was written.',
    hint = 'Stop working on it.';
end
$$;
