-- Each type has a flag that tells until when nobody need notify of its jobs: a sequence, since a
-- sequence shows its present value to every transaction, however old its snapshot, and costs no
-- dead rows. Unlogged: after a crash of the server, nothing is known, and everybody notifies.
create or replace function jobtable_internal.job_type_watch() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    execute format(
      'create unlogged sequence if not exists jobtable_internal.%I minvalue 0 start 0',
      'watched_' || new.id
    );
    perform jobtable_internal.watch(array[new.id], null);
  else
    execute format('drop sequence if exists jobtable_internal.%I', 'watched_' || old.id);
  end if;
  return null;
end
$$;

create or replace trigger job_type_watch
after insert or delete on jobtable.job_type
for each row execute function jobtable_internal.job_type_watch();
