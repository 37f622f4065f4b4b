-- Makes jobs claimable by others that a worker had and does not run. It may be full, or stopping:
-- what it has promised to look at does not count for them.
create or replace function jobtable_internal.give_back(ids bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform jobtable_internal.watch(jobtable_internal.types_of(ids), 0);
  perform jobtable_internal.enqueue(ids);
end
$$;
