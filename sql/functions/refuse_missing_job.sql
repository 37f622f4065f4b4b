-- Raises JT015: there is no such job, or none that the caller may know of. JT025 if it may view the
-- job and no more.
create or replace function jobtable_internal.refuse_missing_job(id bigint) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from jobtable.job j where j.id = refuse_missing_job.id) then
    raise exception using
      errcode = 'JT025',
      message = format('job %s is somebody else''s, and you may only view it', id),
      hint = 'Ask its owner for a row of jobtable.job_share with level ''act''.';
  end if;
  raise exception using
    errcode = 'JT015',
    message = format('there is no job %s', id),
    hint = 'It was deleted, or never committed.';
end
$$;
