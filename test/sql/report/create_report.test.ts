import { beforeAll, expect, test } from 'vitest'
import * as queries from '../../../src/queries/registration.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'

const database = useDatabase()

beforeAll(async () => {
  await database().query(`
    create table public.words (job bigint primary key, lines integer, message text, rate numeric);
    create table public.page (job bigint, n integer, size integer, primary key (job, n));
    create table public.stray (id bigint primary key);
    create schema reports`)
  await database().query(`select jobtable.add_facet('words'), jobtable.add_facet('page')`)
})

async function declare(name: string, facets: readonly string[] | null): Promise<void> {
  await queries.registerType(database().pool, name, { facets })
}

const create = async (...values: unknown[]): Promise<unknown> =>
  (
    await database().query(
      `select jobtable.create_report(${values.map((_, i) => `$${i + 1}`).join(', ')})::text as name`,
      values,
    )
  )[0]?.['name']

async function columnsOf(view: string): Promise<Record<string, string>> {
  const rows = await database().query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type
     from pg_attribute where attrelid = $1::regclass and attnum > 0`,
    [view],
  )
  return Object.fromEntries(rows.map(({ name, type }) => [name, type]))
}

test('joins the jobs of a type with the facets that its executor declares', async () => {
  await declare('count', ['words', 'page'])
  await addTypes(database(), 'other')
  const id = await insertJob(database(), 'count', { title: 'T' })
  const bare = await insertJob(database(), 'count')
  await insertJob(database(), 'other')
  await database().query(`insert into words values ($1, 3, 'said', 1.5)`, [id])
  await database().query('insert into page values ($1, 2, 20), ($1, 1, 10)', [id])
  await database().query(
    `insert into jobtable.job_progress (job, fraction, message) values ($1, 0.5, 'half')`,
    [id],
  )
  expect(await create('count')).toBe('jobtable.report_count')
  const rows = await database().query(
    'select id, title, fraction, message, lines, words_message, rate, page from jobtable.report_count order by id',
  )
  expect(rows).toEqual([
    {
      id,
      title: 'T',
      fraction: 0.5,
      message: 'half',
      lines: 3,
      words_message: 'said',
      rate: '1.5',
      page: [
        { n: 1, size: 10 },
        { n: 2, size: 20 },
      ],
    },
    expect.objectContaining({ id: bare, lines: null, page: null }),
  ])
  expect(await columnsOf('jobtable.report_count')).toMatchObject({
    id: 'bigint',
    status: 'jobtable.job_status',
    run_time: 'interval',
    lines: 'integer',
    rate: 'numeric',
    page: 'jsonb',
  })
})

test('takes other facets and another schema, and is made anew when they change', async () => {
  await addTypes(database(), 'By "hand"')
  expect(await create('By "hand"', 'reports')).toBe('reports."report_By ""hand"""')
  const view = 'reports."report_By ""hand"""'
  expect(await columnsOf(view)).not.toHaveProperty('lines')
  await database().query(`select jobtable.create_report('By "hand"', 'reports', '{words}')`)
  expect(await columnsOf(view)).toHaveProperty('lines')
  await database().query('alter table words add column more text')
  await database().query(`select jobtable.create_report('By "hand"', 'reports', '{page,words}')`)
  expect(await columnsOf(view)).toHaveProperty('more')
  await create('By "hand"', 'reports')
  expect(await columnsOf(view)).not.toHaveProperty('lines')
})

test('gives every column a name of its own, whatever its facets are called', async () => {
  await declare('alike', null)
  await database().query(
    `create schema other;
     create table public.result (job bigint, n integer, primary key (job, n));
     create table public.mark (job bigint primary key, value integer);
     create table other.mark (job bigint primary key, value integer, mark_value integer)`,
  )
  const facets = ['public.result', 'public.mark', 'other.mark']
  for (const facet of facets) await database().query('select jobtable.add_facet($1)', [facet])
  const columns = await columnsOf(String(await create('alike', 'jobtable', facets)))
  expect(columns).toMatchObject({
    result_result: 'jsonb',
    value: 'integer',
    mark_value: 'integer',
    mark_mark_value: 'integer',
  })
})

test("reads by the reader's own rights", async () => {
  await addTypes(database(), 'own')
  const view = await create('own')
  const [row] = await database().query('select reloptions from pg_class where oid = $1::regclass', [
    view,
  ])
  expect(row).toEqual({ reloptions: ['security_invoker=true'] })
})

test('refuses an unknown type, a table that is no facet, and a name that is taken', async () => {
  await declare('wrong', ['missing'])
  await declare('named', null)
  await database().query('create table reports.report_named ()')
  expect((await refusal(create('nobody'))).code).toBe('JT001')
  expect((await refusal(create('wrong'))).message).toBe('there is no facet "missing"')
  expect((await refusal(create('named', 'jobtable', ['stray']))).code).toBe('JT012')
  expect(await refusal(create('named', 'reports'))).toMatchObject({
    code: 'JT028',
    message: 'reports.report_named exists and is not the report of job type "named"',
  })
})

test("never replaces another type's report whose name is the same when cut", async () => {
  const [first, second] = ['a', 'b'].map((end) => 'x'.repeat(80) + end)
  await addTypes(database(), first ?? '', second ?? '')
  await create(first)
  expect((await refusal(create(second))).code).toBe('JT028')
})

test('a type whose name is SQL stays a name', async () => {
  const name = `x'; drop table jobtable.job; --"`
  await addTypes(database(), name)
  await insertJob(database(), name)
  const view = await create(name)
  expect(await database().query(`select title from ${String(view)}`)).toHaveLength(1)
})
