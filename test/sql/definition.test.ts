import { expect, test } from 'vitest'
import { sqlStates } from '../../src/errors.ts'
import { useDatabase } from '../support/database.ts'

const database = useDatabase()

const FUNCTIONS = `pg_proc p
  where p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)`

test('every SQLSTATE that the queue raises is in the table of errors, and no other is', async () => {
  const rows = await database().query<{ code: string }>(
    `select distinct m[1] as code
     from (select p.prosrc from ${FUNCTIONS}) p
     cross join lateral regexp_matches(p.prosrc, '\\mJT\\d{3}\\M', 'g') m
     order by 1`,
  )
  expect(rows.map((row) => row.code)).toEqual(sqlStates.map((state) => state.code))
})

test('no function depends on the search path of its caller', async () => {
  // A body in standard SQL has its names bound when it is created.
  const rows = await database().query(
    `select p.oid::regprocedure::text as function from ${FUNCTIONS}
       and p.prosqlbody is null
       and not exists (select from unnest(p.proconfig) c where c like 'search_path=%')
     order by 1`,
  )
  expect(rows).toEqual([])
})

test('no function that acts as its owner calls by a name that a caller could have shadowed', async () => {
  const rows = await database().query(
    `select p.oid::regprocedure::text as function from ${FUNCTIONS}
       and p.prosecdef
       and not exists (
         select from unnest(p.proconfig) c
         where c in ('search_path=""', 'search_path=pg_catalog, pg_temp'))
     order by 1`,
  )
  expect(rows).toEqual([])
})

test('nothing of the queue is granted to everybody', async () => {
  const schemas = await database().query(
    `select nspname from pg_namespace
     where nspname in ('jobtable', 'jobtable_internal')
       and (has_schema_privilege('public', oid, 'usage')
         or has_schema_privilege('public', oid, 'create'))`,
  )
  const functions = await database().query(
    `select p.oid::regprocedure::text as function from ${FUNCTIONS}
       and has_function_privilege('public', p.oid, 'execute')
     order by 1`,
  )
  const relations = await database().query(
    `select c.oid::regclass::text as relation from pg_class c
     where c.relnamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
       and c.relkind in ('r', 'v', 'p')
       and has_table_privilege('public', c.oid, 'select, insert, update, delete')
     order by 1`,
  )
  expect({ schemas, functions, relations }).toEqual({ schemas: [], functions: [], relations: [] })
})

test('updates of a keyless job stay heap-only: no index has a column that a run changes', async () => {
  const rows = await database().query<{ column: string }>(
    `select distinct a.attname as column
     from pg_index i
     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
     where i.indrelid = 'jobtable.job'::regclass
     order by 1`,
  )
  const indexed = rows.map((row) => row.column)
  const changed = ['status', 'attempt', 'queued_at', 'started_at', 'finished_at', 'worker', 'lease']
  expect(indexed.filter((column) => changed.includes(column))).toEqual([])
})
