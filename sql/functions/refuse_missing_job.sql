-- Raises JT015: there is no such job.
create or replace function jobtable_internal.refuse_missing_job(id bigint) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT015',
    message = format('there is no job %s', id),
    hint = 'It was deleted, or never committed.';
end
$$;
