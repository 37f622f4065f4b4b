import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()

beforeAll(async () => {
  await addTypes(database(), 'described')
  await database().query(`
    create table words (
      job bigint primary key references jobtable.job (id) on delete cascade,
      lines integer,
      words integer default 7,
      note text,
      at timestamptz,
      tags text[],
      extra jsonb
    )`)
})

async function update(facet: string, job: string, fields: unknown): Promise<void> {
  await database().query('select jobtable.update_facet($1::regclass, $2, $3)', [
    facet,
    job,
    JSON.stringify(fields),
  ])
}

async function row(facet: string, job: string): Promise<Record<string, unknown> | undefined> {
  return (await database().query(`select * from ${facet} where job = $1`, [job]))[0]
}

describe('update_facet()', () => {
  test('inserts a row, with defaults for what is not named', async () => {
    const id = await insertJob(database(), 'described')
    await update('words', id, { lines: 3, note: 'hello' })
    expect(await row('words', id)).toMatchObject({ job: id, lines: 3, words: 7, note: 'hello' })
  })

  test('keeps what is not named, and sets to null what is null', async () => {
    const id = await insertJob(database(), 'described')
    await update('words', id, { lines: 3, words: 4, note: 'hello' })
    await update('words', id, { lines: 5 })
    await update('words', id, { note: null })
    expect(await row('words', id)).toMatchObject({ lines: 5, words: 4, note: null })
  })

  test('keeps what is not named, also in a column that must not be null', async () => {
    await database().query(`
      create table strict (
        job bigint primary key references jobtable.job (id) on delete cascade,
        lines integer not null,
        words integer not null
      )`)
    const id = await insertJob(database(), 'described')
    await update('strict', id, { lines: 3, words: 4 })
    await update('strict', id, { words: 5 })
    expect(await row('strict', id)).toEqual({ job: id, lines: 3, words: 5 })
  })

  test('of no fields makes sure that there is a row', async () => {
    const id = await insertJob(database(), 'described')
    await update('words', id, {})
    await update('words', id, {})
    expect(await row('words', id)).toMatchObject({ job: id, words: 7 })
  })

  test('takes arrays, objects, times and texts of any characters', async () => {
    const id = await insertJob(database(), 'described')
    await update('words', id, {
      note: `it's "quoted" \\ ü 🐘`,
      tags: ['a', 'b,c', '{d}'],
      extra: { deep: [1, { a: null }] },
      at: '2026-01-02T03:04:05Z',
    })
    expect(await row('words', id)).toMatchObject({
      note: `it's "quoted" \\ ü 🐘`,
      tags: ['a', 'b,c', '{d}'],
      extra: { deep: [1, { a: null }] },
      at: new Date('2026-01-02T03:04:05Z'),
    })
  })

  test('writes the built-in facets, by names with and without a schema', async () => {
    const id = await insertJob(database(), 'described')
    await update('jobtable.job_progress', id, { fraction: 0.5 })
    await using session = await openSession(database())
    await session.query('set search_path = jobtable')
    await session.query(`select update_facet('job_progress', $1, '{"stage": "two"}')`, [id])
    expect(await row('jobtable.job_progress', id)).toMatchObject({ fraction: 0.5, stage: 'two' })
  })

  test('writes a row for each value of a key of several columns', async () => {
    await database().query(`
      create table page (
        job bigint references jobtable.job (id) on delete cascade,
        number integer,
        text text,
        primary key (job, number)
      )`)
    const id = await insertJob(database(), 'described')
    await update('page', id, { number: 1, text: 'one' })
    await update('page', id, { number: 2, text: 'two' })
    await update('page', id, { number: 1, text: 'uno' })
    await update('page', id, { number: 2 })
    expect(await database().query('select number, text from page order by number')).toEqual([
      { number: 1, text: 'uno' },
      { number: 2, text: 'two' },
    ])
  })

  test('writes a partitioned table', async () => {
    await database().query(`
      create table parted (
        job bigint primary key references jobtable.job (id) on delete cascade, n integer
      ) partition by hash (job);
      create table parted_0 partition of parted for values with (modulus 2, remainder 0);
      create table parted_1 partition of parted for values with (modulus 2, remainder 1)`)
    const id = await insertJob(database(), 'described')
    await update('parted', id, { n: 1 })
    await update('parted', id, { n: 2 })
    expect(await row('parted', id)).toEqual({ job: id, n: 2 })
  })
})

describe('hostile names do no harm', () => {
  const names = [
    'Upper Case',
    `quote"d`,
    `it's`,
    'excluded',
    'r',
    'select',
    '%s $1 {}',
    'drop table x; --',
    'ünïcode 🐘',
  ]

  test.each(names)('as a table: %s', async (name) => {
    const quoted = `"${name.replaceAll('"', '""')}"`
    await database().query(
      `create table ${quoted} (
         job bigint primary key references jobtable.job (id) on delete cascade, n integer
       )`,
    )
    const id = await insertJob(database(), 'described')
    await update(quoted, id, { n: 1 })
    await update(quoted, id, { n: 2 })
    expect(await row(quoted, id)).toEqual({ job: id, n: 2 })
    const { code, message } = await refusal(update(quoted, id, { absent: 1 }))
    expect(code).toBe('JT013')
    expect(message).toMatch(/^facet .* has no column "absent"$/)
  })

  test('as columns, and as the job’s own column', async () => {
    const columns = names.map((name) => `"${name.replaceAll('"', '""')}" integer`)
    await database().query(
      `create table columns (
         "The Job" bigint primary key references jobtable.job (id) on delete cascade,
         ${columns.join(', ')}
       )`,
    )
    const id = await insertJob(database(), 'described')
    const fields = Object.fromEntries(names.map((name, index) => [name, index]))
    await update('columns', id, fields)
    await update('columns', id, fields)
    expect(await database().query('select * from columns')).toEqual([{ 'The Job': id, ...fields }])
  })

  test('as a schema', async () => {
    await database().query(`
      create schema "My ""Schema""";
      create table "My ""Schema"""."My Table" (
        job bigint primary key references jobtable.job (id) on delete cascade, n integer
      )`)
    const id = await insertJob(database(), 'described')
    await update('"My ""Schema"""."My Table"', id, { n: 1 })
    expect(await row('"My ""Schema"""."My Table"', id)).toEqual({ job: id, n: 1 })
  })
})

describe('is refused', () => {
  test('by JT012 for a table that is not a facet', async () => {
    const cases = [
      'create table unlinked (job bigint primary key)',
      'create table loose (job bigint references jobtable.job (id) on delete cascade)',
      'create table kept (job bigint primary key references jobtable.job (id))',
      `create table second (n integer, job bigint references jobtable.job (id) on delete cascade,
         primary key (n, job))`,
    ]
    const id = await insertJob(database(), 'described')
    for (const statement of cases) {
      await database().query(statement)
      const name = /table (\w+)/.exec(statement)?.[1] ?? ''
      expect(await refusal(update(name, id, { n: 1 }))).toEqual({
        code: 'JT012',
        message: `table public.${name} is not a facet`,
        detail:
          "The first column of a facet's primary key is a foreign key to jobtable.job (id) on delete cascade.",
        hint:
          name === 'second'
            ? 'Make the column of that foreign key the first of its primary key.'
            : `select jobtable.add_facet('public.${name}')`,
      })
    }
  })

  test('by JT013 for a column that the table does not have', async () => {
    const id = await insertJob(database(), 'described')
    expect(await refusal(update('words', id, { lines: 1, wrods: 2 }))).toEqual({
      code: 'JT013',
      message: 'facet public.words has no column "wrods"',
      detail: 'Its columns: lines, words, note, at, tags, extra.',
      hint: 'Name the columns as the table has them.',
    })
    expect(await row('words', id)).toBeUndefined()
  })

  test.each(['ctid', 'xmin', 'tableoid', ''])('by JT013 for %j', async (column) => {
    const id = await insertJob(database(), 'described')
    expect((await refusal(update('words', id, { [column]: 1 }))).code).toBe('JT013')
  })

  test('by JT013 for the job itself', async () => {
    const id = await insertJob(database(), 'described')
    expect(await refusal(update('words', id, { job: 1 }))).toMatchObject({
      code: 'JT013',
      message: 'column "job" of facet public.words is the job itself',
    })
  })

  test.each([
    ['lines', '"many"', 'integer', 'invalid input syntax for type integer: "many"'],
    ['lines', '3000000000', 'integer', 'value "3000000000" is out of range for type integer'],
    ['lines', '{"a":1}', 'integer', 'invalid input syntax for type integer: "{"a": 1}"'],
    ['at', '"soon"', 'timestamp with time zone', 'invalid input syntax for type timestamp'],
    ['tags', '"a"', 'text[]', 'malformed array literal'],
  ])('by JT013 for %s given %s, naming the column', async (column, value, type, detail) => {
    const id = await insertJob(database(), 'described')
    const fields = { note: 'fine', [column]: JSON.parse(value) as unknown }
    const { code, message, hint, ...told } = await refusal(update('words', id, fields))
    const shown = value.replace('{"a":1}', '{"a": 1}')
    expect({ code, message, hint, detail: told.detail }).toEqual({
      code: 'JT013',
      message: `column "${column}" of facet public.words is ${type} and cannot take ${shown}`,
      hint: "Give a value of the column's type.",
      detail: expect.stringContaining(detail),
    })
  })

  test.each(['[]', '1', 'null', '"text"'])('by JT013 for fields that are %s', async (fields) => {
    const id = await insertJob(database(), 'described')
    expect(await refusal(update('words', id, JSON.parse(fields)))).toMatchObject({
      code: 'JT013',
      message: 'the fields of facet public.words must be a JSON object',
    })
  })

  test('by JT015 for a job that is not there', async () => {
    expect(await refusal(update('words', '0', { lines: 1 }))).toMatchObject({
      code: 'JT015',
      message: 'there is no job 0',
    })
  })

  test('by the table’s own constraints, which name themselves', async () => {
    const id = await insertJob(database(), 'described')
    const { code, message } = await refusal(update('jobtable.job_progress', id, { fraction: 2 }))
    expect(code).toBe('23514')
    expect(message).toContain('fraction_is_between_0_and_1')
  })

  test('by 55P03 after a while, if a client holds the job’s row', async () => {
    const id = await insertJob(database(), 'described')
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = $1 for update', [id])
    expect((await refusal(update('words', id, { lines: 1 }))).code).toBe('55P03')
  })
})
