-- A worker looks at these types' lanes no more: takes back what it has promised, and has the others
-- look, since jobs may have come in silence.
create or replace function jobtable_internal.leave(type_ids integer[]) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform jobtable_internal.watch(type_ids, 0);
  perform jobtable_internal.wake(type_ids);
end
$$;
