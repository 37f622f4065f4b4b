-- The installer's own books. Applied before everything else whenever there is anything to do, so
-- every statement bears repetition; a new column is an "alter table … add column if not exists".

comment on schema jobtable is
'The queue: a row inserted into jobtable.job is a job that runs.

Public and stable. Schema jobtable_internal is its private half.';

comment on schema jobtable_internal is
'The private half of jobtable: no client uses it, and it changes without notice.';

create table if not exists jobtable_internal.migration (
  version integer not null,
  name text not null,
  checksum text not null,
  breaking boolean not null,
  applied_at timestamptz not null default now(),
  constraint migration_pkey primary key (version)
);

comment on table jobtable_internal.migration is
'The migrations that this database has had, one row each.';
comment on column jobtable_internal.migration.version is
'Number of the migration: 1, 2, 3 and so on, without a gap.';
comment on column jobtable_internal.migration.name is
'Name of its file, without number and suffix.';
comment on column jobtable_internal.migration.checksum is
'SHA-256 of its file, in hexadecimal: an applied migration never changes.';
comment on column jobtable_internal.migration.breaking is
'Whether a version of jobtable that does not know this migration must refuse to work here.';
comment on column jobtable_internal.migration.applied_at is
'When it was applied.';
comment on index jobtable_internal.migration_pkey is
'Serves the installer: one row per version.';

create table if not exists jobtable_internal.installed (
  package_version text not null,
  routines_hash text not null,
  objects text[] not null,
  updated_at timestamptz not null,
  only_row boolean not null default true,
  constraint installed_is_one_row primary key (only_row),
  constraint only_row_is_true check (only_row)
);

comment on table jobtable_internal.installed is
'Where the functions, triggers and views of this database come from. One row.';
comment on column jobtable_internal.installed.package_version is
'The version of jobtable that created them last.';
comment on column jobtable_internal.installed.routines_hash is
'SHA-256 over their files, in hexadecimal: a version whose own it is has nothing to do.';
comment on column jobtable_internal.installed.objects is
'Each of them as DROP names it, such as "function jobtable.current_owner()".';
comment on column jobtable_internal.installed.updated_at is
'When they were created last.';
comment on column jobtable_internal.installed.only_row is
'Always true: the key that keeps the table at one row.';
comment on index jobtable_internal.installed_is_one_row is
'Serves the installer: finds the only row.';

-- row_version is the transaction that wrote an object's catalog row. It differs as soon as the
-- object has been replaced, even by itself. Compare it for equality only: within savepoints, and
-- after the transaction counter has wrapped, its order means nothing.
create or replace function jobtable_internal.installed_objects()
returns table (object text, row_version text)
language sql stable
set search_path = ''
as $$
  with written as (
    select 'pg_catalog.pg_proc'::regclass as catalog, p.oid as id, p.xmin as row_version
    from pg_catalog.pg_proc p
    where p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
    union all
    select 'pg_catalog.pg_trigger'::regclass, t.oid, t.xmin
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal
      and c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
    union all
    -- A view's rule is what CREATE OR REPLACE VIEW writes each time.
    select 'pg_catalog.pg_class'::regclass, c.oid, r.xmin
    from pg_catalog.pg_class c
    join pg_catalog.pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
    where c.relkind = 'v'
      and c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
  )
  select i.type || ' ' || i.identity, w.row_version::text
  from written w
  cross join lateral pg_catalog.pg_identify_object(w.catalog, w.id, 0) i;
$$;

comment on function jobtable_internal.installed_objects() is
'The functions, triggers and views of both schemas, each with the transaction that wrote it.

object: named as DROP names it, such as "function jobtable.current_owner()".
row_version: differs after the object has been replaced.';

create or replace function jobtable_internal.record_installation(
  package_version text, routines_hash text, objects_before jsonb
) returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  v_drop text;
begin
  -- Made by an earlier version, and not made again by this one. Functions go last, the others stand
  -- on them; those of a kind go together, they may stand on each other.
  for v_drop in
    select 'drop ' || stale.kind || string_agg(stale.identity, ',')
    from (
      select
        split_part(o.object, ' ', 1) as kind,
        substr(o.object, strpos(o.object, ' ')) as identity
      from jobtable_internal.installed i
      join jobtable_internal.installed_objects() o on o.object = any (i.objects)
      where record_installation.objects_before ->> o.object = o.row_version
    ) stale
    group by stale.kind, case when stale.kind = 'trigger' then stale.identity end
    order by stale.kind not in ('view', 'trigger')
  loop
    execute v_drop;
  end loop;

  insert into jobtable_internal.installed as i (package_version, routines_hash, objects, updated_at)
  select
    record_installation.package_version,
    record_installation.routines_hash,
    coalesce(array_agg(o.object order by o.object), '{}'),
    now()
  from jobtable_internal.installed_objects() o
  where record_installation.objects_before ->> o.object is distinct from o.row_version
  on conflict (only_row) do update
  set package_version = excluded.package_version,
    routines_hash = excluded.routines_hash,
    objects = excluded.objects,
    updated_at = excluded.updated_at;
end
$$;

comment on function jobtable_internal.record_installation(text, text, jsonb) is
'Ends an installation: records what was created, and drops what no longer was.

package_version: the version that installs.
routines_hash: SHA-256 over its files.
objects_before: row_version of each of the installed objects before the files were applied.
Errors: 2BP01 (something of the user''s depends on an object to be dropped).';
