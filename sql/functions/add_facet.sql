create or replace function jobtable.add_facet(facet regclass, "column" name default 'job')
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
begin
  if not exists (
    select from pg_catalog.pg_constraint p where p.conrelid = facet and p.contype = 'p'
  ) then
    execute format('alter table %s add primary key (%I)', facet, "column");
  end if;
  if not exists (
    select
    from pg_catalog.pg_constraint f
    join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attname = "column"
    where f.conrelid = facet and f.contype = 'f' and f.confrelid = 'jobtable.job'::regclass
      and f.confdeltype = 'c' and f.conkey = array[a.attnum]
  ) then
    execute format(
      'alter table %s add foreign key (%I) references jobtable.job (id) on delete cascade',
      facet, "column"
    );
  end if;
  perform jobtable_internal.facet_columns(facet);
  perform jobtable_internal.isolate_facet(facet);
end
$$;

comment on function jobtable.add_facet(regclass, name) is
  'Makes an existing table a facet of jobs: one row a job, removed with it.

Adds a foreign key from the column (default: job) to jobtable.job(id) on delete cascade, and a
primary key on it if the table has none. Where owners are kept apart, it gets policies by which a
row is as visible as its job. The foreign key locks the job table for a moment; it
gives up after 2 seconds with 55P03 rather than let others queue behind it: call it again.';
