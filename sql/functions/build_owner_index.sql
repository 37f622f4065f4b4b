-- An owner's jobs by id: for its listings, and to count what it has in the queue. Only where owners
-- matter, since each INSERT pays for it.
create or replace function jobtable_internal.build_owner_index() returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set client_min_messages = warning
as $$
begin
  if not exists (
    select
    from pg_catalog.pg_index i
    where i.indexrelid = to_regclass('jobtable.job_owner_idx') and i.indisvalid
  ) then
    -- One that is not valid is left of a CREATE INDEX CONCURRENTLY that has failed.
    drop index if exists jobtable.job_owner_idx;
    create index job_owner_idx on jobtable.job (owner, id);
    comment on index jobtable.job_owner_idx is
      'Serves an owner that lists its jobs, and the first count against its quota.';
  end if;
end
$$;
