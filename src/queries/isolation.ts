import type { QueryResultRow } from 'pg'
import { type Database, one } from '../database.ts'

/** How owners are kept apart, and where they are not. */
export interface Isolation extends QueryResultRow {
  readonly enabled: boolean
  /** What jobtable.current_owner() asks. */
  readonly owner_source: string
  /** The function of a user's that tells the owner, with source function. */
  readonly owner_function: string | null
  /** Whether there is no such function any more. */
  readonly owner_function_gone: boolean
  /** Clients, and the tables' owner, who may not call it. */
  readonly owner_function_denied: readonly string[]
  /**
   * Logins with the rights of the reader or submitter, or that may take them; none of them a superuser or
   * the tables' owner. Who has created a role may only grant it, since PostgreSQL 16.
   */
  readonly clients: readonly string[]
  /** Those among them whom no policy binds, or who can SET ROLE to somebody like that. */
  readonly unbound: readonly string[]
  /** The role that owns the tables, if it can log in and is no superuser. */
  readonly owner_login: string | null
  /** Policies, and tables with their row-level security, that are not there. */
  readonly missing: readonly string[]
  /** Users' facets that clients can read, of all owners. */
  readonly open_facets: readonly string[]
}

export async function isolation(database: Database): Promise<Isolation> {
  return one<Isolation>(
    database,
    `with client as (
      select r.rolname::text as name, pg_has_role(r.oid, c.relowner, s.held) or exists (
          select from pg_catalog.pg_roles g
          where (g.rolbypassrls or g.rolsuper) and pg_has_role(r.oid, g.oid, s.taken)
        ) as unbound
      from jobtable_internal.isolation i
      join pg_catalog.pg_class c on c.oid = 'jobtable.job'::regclass
      cross join (
        select v.held, v.taken
        from (values (false, 'member', 'member'), (true, 'usage, set', 'set')) v (since_16, held, taken)
        where v.since_16 = (current_setting('server_version_num')::integer >= 160000)
      ) s
      join pg_catalog.pg_roles r on r.rolcanlogin and not r.rolsuper and r.oid <> c.relowner
        and exists (
          select from pg_catalog.pg_roles g
          where g.rolname in (i.reader, i.submitter) and pg_has_role(r.oid, g.oid, s.held)
        )
      where i.enabled
    ),
    owner_function as (
      select p.oid, p.pronamespace as schema
      from jobtable_internal.isolation i
      join pg_catalog.pg_proc p on p.pronargs = 0
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where i.owner_source = 'function' and i.owner_detail = format('%I.%I()', n.nspname, p.proname)
    )
    select i.enabled, i.owner_source,
      case i.owner_source when 'function' then i.owner_detail end as owner_function,
      i.owner_source = 'function' and not exists (select from owner_function) as owner_function_gone,
      array(
        select c.name
        from (
          select c.name from client c
          union
          select r.rolname::text
          from pg_catalog.pg_class c
          join pg_catalog.pg_roles r on r.oid = c.relowner
          where c.oid = 'jobtable.job'::regclass
        ) c
        cross join owner_function f
        where not (
          has_schema_privilege(c.name, f.schema, 'usage')
            and has_function_privilege(c.name, f.oid, 'execute')
        )
        order by 1
      ) as owner_function_denied,
      array(select c.name from client c order by 1) as clients,
      array(select c.name from client c where c.unbound order by 1) as unbound,
      (
        select r.rolname::text
        from pg_catalog.pg_class c
        join pg_catalog.pg_roles r on r.oid = c.relowner and r.rolcanlogin and not r.rolsuper
        where c.oid = 'jobtable.job'::regclass
      ) as owner_login,
      array(
        select format('policy %s on %s', p.policy, p.relation)
        from jobtable_internal.isolation_policies(i.sharing) p
        where jobtable_internal.isolation_names(i, p.roles) is not null and not exists (
          select
          from pg_catalog.pg_policy q
          where q.polname = p.policy and q.polrelid = p.relation::regclass
        )
        union
        select 'row-level security of ' || p.relation
        from jobtable_internal.isolation_policies(i.sharing) p
        join pg_catalog.pg_class c on c.oid = p.relation::regclass and not c.relrowsecurity
        order by 1
      ) as missing,
      array(
        select f.facet::text
        from jobtable_internal.user_facets() f
        join pg_catalog.pg_class c on c.oid = f.facet and not c.relrowsecurity
        where exists (
          select from pg_catalog.pg_roles g
          where g.rolname in (i.reader, i.submitter) and has_table_privilege(g.oid, c.oid, 'select')
        )
        order by 1
      ) as open_facets
    from jobtable_internal.isolation i`,
    [],
  )
}
