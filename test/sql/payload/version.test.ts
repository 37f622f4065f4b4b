import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../../src/migrate.ts'
import type { JsonSchema } from '../../../src/payload-schema.ts'
import * as queries from '../../../src/queries/registration.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { addChecked } from '../../support/schema.ts'
import { openSession, untilBlocked } from '../../support/session.ts'

const database = useDatabase()

const TEXT = { properties: { value: { type: 'string' } } }
const NUMBER = { properties: { value: { type: 'number' } } }
const FLAG = { properties: { value: { type: 'boolean' } } }

async function declare(name: string, payloadSchema: JsonSchema | null): Promise<void> {
  await queries.registerType(database().pool, name, {}, payloadSchema)
}

async function schemaOf(name: string) {
  const [row] = await database().query(
    `select payload_schema as schema, payload_schema_source as source, payload_version as version
     from jobtable.job_type where name = $1`,
    [name],
  )
  return row
}

const takes = async (type: string, value: unknown): Promise<boolean> => {
  try {
    await insertJob(database(), type, { payload: { value } })
    return true
  } catch {
    return false
  }
}

describe('a declared schema', () => {
  test('is in force at once, and the newest wins; one that was superseded stays so', async () => {
    await declare('declared', TEXT)
    expect([await takes('declared', 'x'), await takes('declared', 1)]).toEqual([true, false])
    await declare('declared', NUMBER)
    expect([await takes('declared', 'x'), await takes('declared', 1)]).toEqual([false, true])
    await declare('declared', TEXT)
    expect(await schemaOf('declared')).toEqual({ schema: NUMBER, source: 'code', version: 2 })
    await declare('declared', null)
    expect(await schemaOf('declared')).toEqual({ schema: null, source: 'code', version: 3 })
    expect([await takes('declared', 'x'), await takes('declared', 1)]).toEqual([true, true])
  })

  test('that is declared again writes nothing', async () => {
    await declare('again', TEXT)
    const read = () => database().query(`select xmin from jobtable.job_type where name = 'again'`)
    const before = await read()
    await declare('again', { ...TEXT })
    expect(await read()).toEqual(before)
  })

  test("gives way to an operator's, and comes back when the operator says so", async () => {
    await declare('operated', TEXT)
    const set = (columns: string, values: readonly unknown[] = []) =>
      database().query(`update jobtable.job_type set ${columns} where name = 'operated'`, values)
    await set('payload_schema = $1', [FLAG])
    await declare('operated', NUMBER)
    expect(await schemaOf('operated')).toMatchObject({ schema: FLAG, source: 'operator' })
    await set(`payload_schema_source = 'code'`)
    expect(await schemaOf('operated')).toMatchObject({ schema: NUMBER, source: 'code' })
    expect([await takes('operated', true), await takes('operated', 1)]).toEqual([false, true])
  })

  test('is remembered until a hundred others have been declared', async () => {
    const version = (n: number) => ({ properties: { value: { default: n } } })
    for (let n = 0; n <= 100; n += 1) await declare('restarted', version(n))
    const [row] = await database().query<{ ns: number[] }>(
      `select array_agg(d.n order by d.n) as ns
       from jobtable_internal.declared_schema d
       join jobtable.job_type t on t.id = d.type_id
       where t.name = 'restarted'`,
    )
    expect(row?.ns).toEqual(Array.from({ length: 100 }, (_, i) => i + 2))
    await declare('restarted', version(1))
    expect(await schemaOf('restarted')).toMatchObject({ version: 101 })
    await declare('restarted', version(0))
    expect(await schemaOf('restarted')).toMatchObject({ version: 102, schema: version(0) })
  })

  test('by two workers at once becomes one version', async () => {
    await declare('raced', null)
    await using first = await openSession(database())
    await first.query('begin')
    await queries.registerType(first.client, 'raced', {}, TEXT)
    await using second = await openSession(database())
    const late = queries.registerType(second.client, 'raced', {}, TEXT)
    await untilBlocked(database(), second)
    // Whoever inserts meanwhile does not wait, and is checked by what is committed.
    expect(await takes('raced', 1)).toBe(true)
    await first.query('commit')
    await late
    expect(await schemaOf('raced')).toMatchObject({ version: 1 })
  })
})

describe('compiled functions', () => {
  const compiled = async () =>
    (
      await database().query<{ name: string }>(
        `select p.proname as name from pg_proc p where p.proname ~ '^(check|fill)_\\d' order by 1`,
      )
    ).map(({ name }) => name)

  test('of the last version but one go, and all with their type', async () => {
    const before = await compiled()
    await addChecked(database(), 'kept', TEXT)
    for (const schema of [NUMBER, FLAG, TEXT, NUMBER]) {
      await database().query(
        `update jobtable.job_type set payload_schema = $1 where name = 'kept'`,
        [schema],
      )
    }
    const added = (await compiled()).filter((name) => !before.includes(name))
    expect(added.map((name) => name.split('_')[2])).toEqual(['4', '5'])
    await database().query(`delete from jobtable.job_type where name = 'kept'`)
    expect(await compiled()).toEqual(before)
  })

  test('are told from others by name, in whatever order the planner asks', async ({ skip }) => {
    const { adminUrl } = database()
    if (adminUrl === undefined)
      return skip('it takes a superuser to change what the planner thinks')
    const before = await compiled()
    await addChecked(database(), 'planned', TEXT)
    const admin = new pg.Client({ connectionString: adminUrl })
    await admin.connect()
    try {
      await admin.query('alter function pg_catalog.nameregexeq(name, text) cost 100000')
      await admin.query(`delete from jobtable.job_type where name = 'planned'`)
    } finally {
      await admin.end()
    }
    expect(await compiled()).toEqual(before)
  })

  test('survive a reinstallation, which makes them anew', async () => {
    await addChecked(database(), 'upgraded', {
      properties: { value: { type: 'string' }, other: { default: 3 } },
    })
    const before = await compiled()
    for (let round = 0; round < 2; round += 1) {
      await database().query(`update jobtable_internal.installed set routines_hash = 'older'`)
      await migrate({ connectionString: database().url })
      expect(await compiled()).toEqual(before)
    }
    expect([await takes('upgraded', 'x'), await takes('upgraded', 1)]).toEqual([true, false])
  })
})

test.each([1, 2])(
  'a payload is refused by JT002 in a transaction whose snapshot is older than %d schemas',
  async (schemas) => {
    const name = `older_${schemas}`
    await declare(name, TEXT)
    await using session = await openSession(database())
    await session.query('begin isolation level repeatable read; select from jobtable.job_type')
    for (const schema of [NUMBER, FLAG].slice(0, schemas)) await declare(name, schema)
    const insert = `insert into jobtable.job (type, payload) values ($1, '{"value": "x"}')`
    expect(await refusal(session.query(insert, [name]))).toMatchObject({
      code: 'JT002',
      detail: 'Its schema has changed since this transaction began.',
    })
  },
)

describe('a schema that is not understood', () => {
  test.each([
    [
      { properties: { a: { typ: 'string' } } },
      'has an unknown keyword',
      'At #/properties/a, keyword "typ".',
    ],
    [{ type: 'text' }, 'has the unknown type "text"', 'At #, keyword "type".'],
    [
      { $ref: 'https://example.org/x' },
      'refers to "https://example.org/x", which is no schema of this document',
      'At #, keyword "$ref".',
    ],
    [{ $ref: '#' }, 'refers to itself without end', 'At #, keyword "$ref".'],
    [{ minimum: '1' }, 'has string "1" where number belongs', 'At #, keyword "minimum".'],
    [{ type: ['array', 'null'] }, 'takes no object, which every payload is', 'At #.'],
    [false, 'takes no object, which every payload is', 'At #.'],
    [[], 'has an array of 0 in place of a schema', 'At #.'],
  ])('is refused by JT020: %j', async (schema, fact, detail) => {
    expect(await refusal(addChecked(database(), 'misunderstood', schema))).toMatchObject({
      code: 'JT020',
      message: `the payload schema of job type "misunderstood" ${fact}`,
      detail,
    })
  })

  test("payload_version and payload_undecided are the queue's own: JT004", async () => {
    await addChecked(database(), 'own', TEXT)
    const update = database().query(
      `update jobtable.job_type set payload_version = 7 where name = 'own'`,
    )
    expect((await refusal(update)).code).toBe('JT004')
  })
})

test('a schema may refer to itself: deep values are checked, deeper ones left to the worker', async () => {
  await addChecked(database(), 'tree', {
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { child: { $ref: '#/$defs/node' }, n: { type: 'integer' } },
      },
    },
  })
  const nested = (depth: number): object =>
    depth === 0 ? { n: 'wrong' } : { child: nested(depth - 1) }
  expect((await refusal(insertJob(database(), 'tree', { payload: nested(40) }))).detail).toBe(
    `payload${'.child'.repeat(40)}.n: expected integer, found string "wrong"`,
  )
  await insertJob(database(), 'tree', { payload: nested(1_000) })
})
