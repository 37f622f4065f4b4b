import type { Client } from 'pg'
import { z } from 'zod'

const Column = z.object({
  name: z.string(),
  type: z.string(),
  default: z.string().nullable(),
  origin: z.enum(['given', 'generated', 'computed']),
  required: z.boolean(),
  comment: z.string().nullable(),
})

const Relation = z.object({
  name: z.string(),
  comment: z.string().nullable(),
  columns: z.array(Column),
  /** Names of columns, in the key's order; none for a view. */
  primaryKey: z.array(z.string()),
  constraints: z.array(z.object({ name: z.string(), definition: z.string() })),
})

const Routine = z.object({
  name: z.string(),
  arguments: z.string(),
  result: z.string(),
  comment: z.string().nullable(),
})

const Enumeration = z.object({
  name: z.string(),
  comment: z.string().nullable(),
  values: z.array(z.string()),
})

const Catalog = z.object({
  comment: z.string().nullable(),
  tables: z.array(Relation),
  views: z.array(Relation),
  functions: z.array(Routine),
  types: z.array(Enumeration),
})

/** What schema jobtable consists of, each list in order of name. */
export type Catalog = z.infer<typeof Catalog>
export type Relation = z.infer<typeof Relation>
export type Column = z.infer<typeof Column>
export type Routine = z.infer<typeof Routine>
export type Enumeration = z.infer<typeof Enumeration>

const CATALOG = `
with relation as (
  select
    c.relkind as kind,
    c.relname as name,
    obj_description(c.oid, 'pg_class') as comment,
    array(
      select json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'default', pg_get_expr(d.adbin, d.adrelid),
        'origin', case
          when a.attidentity <> '' then 'generated'
          when a.attgenerated <> '' then 'computed'
          else 'given'
        end,
        'required', a.attnotnull,
        'comment', col_description(c.oid, a.attnum)
      )
      from pg_attribute a
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      order by a.attnum
    ) as columns,
    array(
      select a.attname
      from pg_index i
      cross join unnest(i.indkey::smallint[]) with ordinality key (attnum, n)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = key.attnum
      where i.indrelid = c.oid and i.indisprimary
      order by key.n
    ) as "primaryKey",
    array(
      select json_build_object('name', rule.name, 'definition', rule.definition)
      from (
        select
          k.conname as name, pg_get_constraintdef(k.oid) as definition, k.contype = 'p' as first
        from pg_constraint k
        where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')
        union all
        -- A unique index that is partial is no constraint, but refuses rows like one.
        select x.relname, pg_get_indexdef(x.oid), false
        from pg_index i
        join pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique
          and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
      ) rule
      order by rule.first desc, rule.name
    ) as constraints
  from pg_class c
  where c.relnamespace = 'jobtable'::regnamespace
)
select
  obj_description('jobtable'::regnamespace, 'pg_namespace') as comment,
  (select json_agg(r order by r.name) from relation r where r.kind in ('r', 'p')) as tables,
  (select json_agg(r order by r.name) from relation r where r.kind = 'v') as views,
  (
    select json_agg(
      json_build_object(
        'name', p.proname,
        'arguments', pg_get_function_arguments(p.oid),
        'result', pg_get_function_result(p.oid),
        'comment', obj_description(p.oid, 'pg_proc')
      )
      order by p.proname, pg_get_function_arguments(p.oid)
    )
    from pg_proc p
    where p.pronamespace = 'jobtable'::regnamespace and p.prorettype <> 'trigger'::regtype
  ) as functions,
  (
    select json_agg(
      json_build_object(
        'name', t.typname,
        'comment', obj_description(t.oid, 'pg_type'),
        'values', array(
          select e.enumlabel from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder
        )
      )
      order by t.typname
    )
    from pg_type t
    where t.typnamespace = 'jobtable'::regnamespace and t.typtype = 'e'
  ) as types`

/** Reads the catalog of a database in which jobtable is installed. */
export async function readCatalog(client: Client): Promise<Catalog> {
  // Types outside pg_catalog then come with their schema, whatever the role's own setting.
  await client.query(`set search_path = ''`)
  const { rows } = await client.query(CATALOG)
  return Catalog.parse(rows[0])
}
