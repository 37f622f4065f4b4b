/** Who and where we are, and what may be done. */
export const FACTS: string = `
select
  current_setting('server_version_num')::integer as "serverVersionNumber",
  current_setting('server_version') as "serverVersion",
  current_database() as database,
  current_user as role,
  pg_is_in_recovery() as "isStandby",
  has_database_privilege(current_database(), 'create') as "mayCreateSchemas",
  to_json(array(
    select n.nspname from pg_catalog.pg_namespace n
    where n.nspname in ('jobtable', 'jobtable_internal')
  )) as schemas,
  to_json(array(
    select n.nspname from pg_catalog.pg_namespace n
    where n.nspname in ('jobtable', 'jobtable_internal')
      and not pg_has_role(n.nspowner, 'usage')
  )) as "schemasOfOthers",
  exists (
    select from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'jobtable_internal' and c.relname = 'installed'
  ) as "hasBooks"`

/** The installer's books, in one statement: they never contradict each other. */
export const BOOKS: string = `
select
  coalesce(
    (
      select json_agg(
        json_build_object(
          'version', m.version, 'name', m.name, 'checksum', m.checksum, 'breaking', m.breaking
        )
        order by m.version
      )
      from jobtable_internal.migration m
    ),
    '[]'
  ) as migrations,
  (
    select json_build_object('packageVersion', i.package_version, 'routinesHash', i.routines_hash)
    from jobtable_internal.installed i
  ) as installed`

/** Names the lock that keeps installers apart. */
const INSTALLER_LOCK = `hashtextextended('jobtable installer', 0)`

/** The transaction holds it, not the session, which through a pooler is somebody else's. */
export const TAKE_INSTALLER_LOCK: string = `select pg_advisory_xact_lock(${INSTALLER_LOCK});`

/** Sessions that hold what an installer waits for: its own lock, or one on a table of jobtable. */
export const LOCK_HOLDERS: string = `
select format(
  'pid %s (%s, %s)', a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'unknown'),
  coalesce(a.state || ' since ' || date_trunc('second', a.state_change), 'state not visible')
) as holder
from pg_catalog.pg_stat_activity a
where a.pid <> pg_backend_pid()
  and exists (
    select from pg_catalog.pg_locks l
    where l.pid = a.pid and a.datname = current_database() and l.granted
      and (
        l.locktype = 'advisory' and l.objsubid = 1
          and (l.classid::bigint << 32) | l.objid::bigint = ${INSTALLER_LOCK}
        or l.locktype = 'relation' and l.relation in (
          select c.oid from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname in ('jobtable', 'jobtable_internal')
        )
      )
  )
order by a.xact_start
limit 5`
