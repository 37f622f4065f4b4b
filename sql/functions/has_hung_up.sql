--! requires: has_session
-- Whether a worker had a session that listened, and that session has ended: its process has, most
-- likely. A server that has started since has ended all sessions, and that tells nothing.
create or replace function jobtable_internal.has_hung_up(worker jobtable.worker) returns boolean
language sql volatile
return worker.listens and worker.seen_at > pg_postmaster_start_time()
  and not jobtable_internal.has_session(worker.id);
