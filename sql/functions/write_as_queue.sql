-- Tells the guards that the queue itself writes, until the caller sets jobtable.writer back. What it
-- writes is flushed at COMMIT, whatever the role's default says: started means started after a crash.
create or replace function jobtable_internal.write_as_queue() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('jobtable.writer', 'queue', true);
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
end
$$;
