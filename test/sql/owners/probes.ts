// What can be generated over the catalog: a probe for each right that a submitter does not have.
import type { Database } from '../../support/database.ts'

/** A right that a role lacks, how to grant it, and a statement that needs it. */
export interface Probe {
  readonly right: string
  readonly grant: string
  readonly statement: string
  /** What PostgreSQL says then. A function may meet the same refusal further inside, as the client. */
  readonly refusal: string
}

/** A probe for each right on the queue's schemas, relations, columns and functions that a role lacks. */
export async function probesOf(database: Database, role: string): Promise<Probe[]> {
  return await database.query<Probe & Record<string, unknown>>(
    `with relation as (
      select c.oid, c.oid::regclass::text as name, c.relkind as kind
      from pg_class c
      where c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
        and c.relkind in ('r', 'v', 'S')
    ), attribute as (
      select r.*, a.attnum, quote_ident(a.attname) as attribute
      from relation r
      join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      where r.kind = 'r'
    ), probe as (
      select format('create in schema %s', n.nspname) as "right",
        format('grant create on schema %I to %I', n.nspname, $1::text) as "grant",
        format('create table %I.intruder ()', n.nspname) as statement
      from pg_namespace n
      where n.nspname in ('jobtable', 'jobtable_internal')
      union all
      select format('%s on %s', p.privilege, r.name),
        format('grant %s on %s to %I', p.privilege, r.name, $1::text),
        format(p.statement, r.name)
      from relation r
      join (values
        ('r', 'insert', 'insert into %s select where false'),
        ('r', 'delete', 'delete from %s where false'),
        ('r', 'truncate', 'truncate %s'),
        ('r', 'trigger', 'create trigger intruder before insert on %s execute function mine.nothing()'),
        ('S', 'update', 'select setval(%L, 1)')
      ) as p (kind, privilege, statement) on p.kind = r.kind::text
      where not case r.kind when 'S' then has_sequence_privilege($1, r.oid, p.privilege)
        else has_table_privilege($1, r.oid, p.privilege) end
      union all
      select 'usage on ' || r.name, format('grant usage on sequence %s to %I', r.name, $1::text),
        format('select nextval(%L)', r.name)
      from relation r
      where case r.kind when 'S' then not has_sequence_privilege($1, r.oid, 'usage') end
      union all
      select format('%s of %s.%s', p.privilege, a.name, a.attribute),
        format('grant %s (%s) on %s to %I', p.privilege, a.attribute, a.name, $1::text),
        format(p.statement, a.name, a.attribute)
      from attribute a
      cross join (values
        ('select', 'select %2$s from %1$s where false'),
        ('update', 'update %1$s set %2$s = default where false')
      ) as p (privilege, statement)
      where not has_column_privilege($1, a.oid, a.attnum, p.privilege)
      union all
      -- A foreign key needs one right a column of the key.
      select 'references to ' || i.indrelid::regclass,
        format('grant references on %s to %I', i.indrelid::regclass, $1::text),
        format('create table mine.refers (%s, foreign key (%s) references %s)',
          string_agg(a.attribute || ' ' || format_type(t.atttypid, t.atttypmod), ', '),
          string_agg(a.attribute, ', ' order by array_position(i.indkey::smallint[], a.attnum)), i.indrelid::regclass)
      from pg_index i
      join attribute a on a.oid = i.indrelid and a.attnum = any (i.indkey)
      join pg_attribute t on t.attrelid = a.oid and t.attnum = a.attnum
      where i.indisprimary and not has_table_privilege($1, i.indrelid, 'references')
      group by i.indrelid, i.indkey
      union all
      select 'execute of ' || p.oid::regprocedure,
        format('grant execute on function %s to %I', p.oid::regprocedure, $1::text),
        format('select %s(%s)', p.oid::regproc, (
          select -- From a sub-select: a strict function of a plain null is none when it is planned.
          string_agg(format('(select null::%s offset 0)', format_type(u.type, null)), ', ' order by u.n)
          from unnest(p.proargtypes::oid[]) with ordinality as u (type, n)
        ))
      from pg_proc p
      where p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
        and p.prorettype <> 'trigger'::regtype
        and not has_function_privilege($1, p.oid, 'execute')
    )
    select p.*, 'permission denied for ' || coalesce(
      'function ' || substring(p."right" from '^execute of .*\\.(\\w+)\\('), ''
    ) as refusal
    from probe p order by 1`,
    [role],
  )
}

/** A rule of the isolation, and what it is without it. */
export interface Mutation {
  readonly rule: string
  readonly without: string
}

/** Each policy and each switch of row-level security, made void for the hostile role alone where it can be. */
export async function mutationsOf(database: Database, role: string): Promise<Mutation[]> {
  return await database.query<Mutation & Record<string, unknown>>(
    `with policy as (
      select format('policy %s on %s', p.polname, p.polrelid::regclass) as rule,
        format('%I on %s', p.polname, p.polrelid::regclass) as name, p.*,
        (select r.oid from pg_roles r where r.rolname = $1) = any (p.polroles) as concerns
      from pg_policy p
    )
    select 'row-level security of ' || c.oid::regclass as rule,
      format('alter table %s disable row level security', c.oid::regclass) as without
    from pg_class c
    where c.relrowsecurity
    union all
    select p.rule, 'drop policy ' || p.name from policy p where not p.polpermissive
    union all
    -- A policy that permits is void when it permits everything.
    select p.rule, format('alter policy %s%s%s', p.name,
      case when p.polqual is not null then ' using (true)' end,
      case when p.polcmd in ('a', 'w', '*') then ' with check (true)' end)
    from policy p
    where p.polpermissive and p.concerns
    union all
    -- One for all verbs hides by what it lets read what it lets write.
    select 'check of ' || p.rule, format('alter policy %s with check (true)', p.name)
    from policy p
    where p.polpermissive and p.concerns and p.polcmd = '*'
    union all
    select p.rule, format('alter policy %s to %I', p.name, $1::text)
    from policy p
    where p.polpermissive and not p.concerns
    order by 1`,
    [role],
  )
}
