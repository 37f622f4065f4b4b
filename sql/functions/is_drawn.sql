-- Whether a number is the last that this session has drawn for a job. The sequence's own last
-- value, which is asked first where it matters, may be of another session by now.
create or replace function jobtable_internal.is_drawn(id bigint) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  return id = currval('jobtable.job_id_seq'::regclass);
exception when object_not_in_prerequisite_state then
  return false;
end
$$;
