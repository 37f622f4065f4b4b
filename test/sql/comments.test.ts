import { expect, test } from 'vitest'
import { useDatabase } from '../support/database.ts'

const database = useDatabase()

// The comments are the documentation: in psql, in PostgREST, and in docs/reference.md.
test('everything public has a comment', async () => {
  const missing = await database().query(`
    with public_object as (
      select 'pg_namespace'::regclass as catalog, oid as id, 0 as part
      from pg_namespace where nspname = 'jobtable'
      union all
      select 'pg_class'::regclass, oid, 0
      from pg_class where relnamespace = 'jobtable'::regnamespace and relkind in ('r', 'p', 'v')
      union all
      select 'pg_class'::regclass, c.oid, a.attnum
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'jobtable'::regnamespace and c.relkind in ('r', 'p', 'v')
        and a.attnum > 0 and not a.attisdropped
      union all
      select 'pg_proc'::regclass, oid, 0
      from pg_proc where pronamespace = 'jobtable'::regnamespace
      union all
      select 'pg_type'::regclass, oid, 0
      from pg_type where typnamespace = 'jobtable'::regnamespace and typtype in ('e', 'd')
    )
    select i.type, i.identity
    from public_object o
    cross join pg_identify_object(o.catalog, o.id, o.part) i
    left join pg_description d on (d.classoid, d.objoid, d.objsubid) = (o.catalog, o.id, o.part)
    where coalesce(btrim(d.description), '') = ''
    order by i.type, i.identity`)
  expect(missing).toStrictEqual([])
})

test("every index's comment names the query it serves", async () => {
  const missing = await database().query(`
    select c.oid::regclass::text as index
    from pg_class c
    where c.relkind in ('i', 'I')
      and c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
      and coalesce(btrim(obj_description(c.oid, 'pg_class')), '') = ''
    order by 1`)
  expect(missing).toStrictEqual([])
})
