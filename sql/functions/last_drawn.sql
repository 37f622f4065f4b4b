-- The last number that this session has drawn for a job, null before the first. The sequence's own
-- last value, which is asked first where it matters, may be of another session by now.
create or replace function jobtable_internal.last_drawn() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return currval('jobtable.job_id_seq'::regclass);
exception when object_not_in_prerequisite_state then
  return null;
end
$$;
