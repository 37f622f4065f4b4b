import { describe, expect, test } from 'vitest'
import * as queries from '../../../src/queries/registration.ts'
import { useDatabase } from '../../support/database.ts'
import { refusal } from '../../support/refusal.ts'

const database = useDatabase()

const declare = async (name: string, priority: number, retention = '1 day'): Promise<number> =>
  await queries.registerType(database().pool, name, {
    description: 'Counts words.',
    priority,
    retention,
    failed_retention: null,
    facets: ['words'],
  })

const read = async (name: string): Promise<Record<string, unknown> | undefined> =>
  (
    await database().query(
      `select priority, retention::text, description, overrides from jobtable.job_type where name = $1`,
      [name],
    )
  )[0]

const set = async (name: string, change: string): Promise<unknown> =>
  await database().query(`update jobtable.job_type set ${change} where name = $1`, [name])

test('what an operator sets outlives registrations; the rest follows the executor', async () => {
  await declare('kept', 3)
  await set('kept', 'priority = -7')
  expect(await read('kept')).toMatchObject({ priority: -7, overrides: ['priority'] })
  await declare('kept', 4, '2 days')
  expect(await read('kept')).toEqual({
    priority: -7,
    retention: '2 days',
    description: 'Counts words.',
    overrides: ['priority'],
  })
})

test('what no executor declares is no override, and no registration changes it', async () => {
  await declare('switched', 0)
  await set('switched', 'paused = true, enabled = false, history_retention = null')
  await declare('switched', 1)
  const [row] = await database().query(
    `select paused, enabled, history_retention, overrides from jobtable.job_type
     where name = 'switched'`,
  )
  expect(row).toEqual({ paused: true, enabled: false, history_retention: null, overrides: [] })
})

test('an operator may set null, and set back what is declared', async () => {
  await declare('null', 0)
  await set('null', 'description = null')
  expect(await read('null')).toMatchObject({ description: null, overrides: ['description'] })
  await set('null', `description = 'Counts words.'`)
  expect(await read('null')).toMatchObject({ overrides: [] })
})

test('a value that is the same in other words is no override', async () => {
  await declare('words', 0, '48:00')
  expect(await read('words')).toMatchObject({ retention: '48:00:00', overrides: [] })
})

test('a type that was made by hand is taken over by its executor', async () => {
  await database().query(`insert into jobtable.job_type (name, priority) values ('hand', 9)`)
  await declare('hand', 2)
  expect(await read('hand')).toMatchObject({ priority: 2, overrides: [] })
})

test('reset_type takes back one column or all', async () => {
  await declare('reset', 3)
  await set('reset', `priority = 8, retention = '9 days'`)
  await database().query(`select jobtable.reset_type('reset', 'priority')`)
  expect(await read('reset')).toMatchObject({
    priority: 3,
    retention: '9 days',
    overrides: ['retention'],
  })
  await database().query(`select jobtable.reset_type('reset')`)
  expect(await read('reset')).toMatchObject({ retention: '1 day', overrides: [] })
})

describe('a schema of payloads that an operator sets', () => {
  const readSchema = async (name: string): Promise<unknown> =>
    (
      await database().query(
        `select payload_schema as schema, payload_schema_source as source, overrides
         from jobtable.job_type where name = $1`,
        [name],
      )
    )[0]
  const overridden = async (name: string): Promise<void> => {
    await queries.registerType(database().pool, name, { priority: 3 }, { minProperties: 1 })
    await set(name, `payload_schema = '{"maxProperties": 1}', priority = 4`)
    expect(await readSchema(name)).toEqual({
      schema: { maxProperties: 1 },
      source: 'operator',
      overrides: ['payload_schema', 'priority'],
    })
  }
  const taken = { schema: { minProperties: 1 }, source: 'code' }

  test('is an override, also after a registration and an UPDATE of something else', async () => {
    await overridden('schema-kept')
    const declared = { priority: 5, description: 'New.' }
    await queries.registerType(database().pool, 'schema-kept', declared, { minProperties: 2 })
    await set('schema-kept', 'paused = true')
    expect(await readSchema('schema-kept')).toMatchObject({
      schema: { maxProperties: 1 },
      overrides: ['payload_schema', 'priority'],
    })
  })

  test.each([
    ['alone', `'payload_schema'`, ['priority']],
    ['among all', 'null', []],
  ])('is taken back by reset_type, %s', async (how, column, overrides) => {
    const name = `schema-back-${how}`
    await overridden(name)
    await database().query(`select jobtable.reset_type('${name}', ${column})`)
    expect(await readSchema(name)).toEqual({ ...taken, overrides })
    await database().query(
      `insert into jobtable.job (type, payload) values ('${name}', '{"a": 1, "b": 2}')`,
    )
  })

  test('is left alone where another column is taken back', async () => {
    await overridden('schema-left')
    await database().query(`select jobtable.reset_type('schema-left', 'priority')`)
    expect(await readSchema('schema-left')).toMatchObject({
      schema: { maxProperties: 1 },
      source: 'operator',
      overrides: ['payload_schema'],
    })
  })

  test('is no override any more when its source is set back to code', async () => {
    await overridden('schema-source')
    await set('schema-source', `payload_schema_source = 'code'`)
    expect(await readSchema('schema-source')).toEqual({ ...taken, overrides: ['priority'] })
  })
})

test('reset_type refuses an unknown type (JT001) and a column that is not declared (JT027)', async () => {
  await declare('some', 0)
  const reset = (...values: string[]): Promise<unknown> =>
    database().query(`select jobtable.reset_type($1, $2)`, values)
  expect((await refusal(reset('some-one', 'priority'))).code).toBe('JT001')
  expect(await refusal(reset('some', 'paused'))).toEqual({
    code: 'JT027',
    message: 'the executor of job type "some" declares no column "paused"',
    detail: 'It declares: description, facets, failed_retention, priority, retention.',
    hint: 'Set the column by UPDATE.',
  })
  expect(await refusal(reset('some', 'prio'))).toMatchObject({
    code: 'JT027',
    hint: 'Name a column that it declares, or payload_schema.',
  })
})

test('max_running is refused: not supported by this version', async () => {
  await declare('limited', 0)
  expect(await refusal(set('limited', 'max_running = 4'))).toMatchObject({
    code: 'JT003',
    message: 'column "max_running" is not supported by this version',
  })
})

test('nothing is declared that the queue writes, nor a schema of payloads past its guard', async () => {
  await declare('sly', 0)
  const all = async (): Promise<unknown> =>
    await database().query(
      `select to_jsonb(t) - 'declared' as row from jobtable.job_type t where name = 'sly'`,
    )
  const before = await all()
  await set(
    'sly',
    `declared = declared || '{"payload_schema": {"foo": 1}, "payload_schema_source": "operator",
       "payload_version": 7, "payload_undecided": [1], "id": 7, "created_at": "2000-01-01",
       "updated_at": "2000-01-01", "overrides": ["priority"], "declared": {}}'`,
  )
  expect(await all()).toEqual(before)
  await database().query(`insert into jobtable.job (type, payload) values ('sly', '{"bar": 1}')`)
})
