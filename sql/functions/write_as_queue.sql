-- Tells the guards that the queue itself writes, until the caller sets jobtable.writer back. A
-- user's trigger that it fires is no part of it: see writer_at. What it writes is flushed at
-- COMMIT, whatever the role's default says: started means started after a crash. It answers the
-- setting, to be assigned: PERFORM would run a query, at three times the cost.
create or replace function jobtable_internal.write_as_queue() returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_set text;
begin
  if current_setting('synchronous_commit') = 'off' then
    v_set := set_config('synchronous_commit', 'on', true);
  end if;
  return set_config(
    'jobtable.writer', jobtable_internal.writer_at(pg_trigger_depth()), true
  );
end
$$;
