import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exportPayloadSchema } from '../../../src/payload-schema.ts'
import { useDatabase } from '../../support/database.ts'
import { refusal } from '../../support/refusal.ts'
import { addChecked } from '../../support/schema.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()

/** What takes exponential or quadratic time takes minutes; this is for a busy machine. */
const MOST_MS = 5_000

async function insert(type: string, payload: unknown): Promise<void> {
  await using session = await openSession(database())
  await session.query(`set statement_timeout = ${MOST_MS}`)
  await session.query('insert into jobtable.job (type, payload) values ($1, $2)', [
    type,
    JSON.stringify(payload),
  ])
}

const undecided = async (type: string): Promise<readonly { at: string; keyword: string }[]> => {
  const [row] = await database().query<{ list: { at: string; keyword: string }[] }>(
    'select payload_undecided as list from jobtable.job_type where name = $1',
    [type],
  )
  return row?.list ?? []
}

describe('a union that refers to itself', () => {
  const gate = <T extends string>(type: T) =>
    z.object({
      type: z.literal(type),
      get left() {
        return Gate
      },
      get right() {
        return Gate
      },
    })
  const Gate: z.ZodType = z.lazy(() =>
    z.discriminatedUnion('type', [
      gate('and'),
      gate('or'),
      gate('xor'),
      gate('nand'),
      z.object({ type: z.literal('leaf'), n: z.int() }),
    ]),
  )
  const chain = (depth: number, end: unknown): unknown =>
    depth === 0 ? end : { type: 'nand', left: chain(depth - 1, end), right: { type: 'leaf', n: 1 } }

  test('is decided by its discriminator, in time linear in the depth', async () => {
    await addChecked(database(), 'gates', exportPayloadSchema(z.object({ gate: Gate })))
    expect(await undecided('gates')).toEqual([])
    await insert('gates', { gate: chain(50, { type: 'leaf', n: 1 }) })
    const at = `payload.gate${'.left'.repeat(50)}`
    const wrong = insert('gates', { gate: chain(50, { type: 'leaf', n: 'x' }) })
    expect((await refusal(wrong)).detail).toBe(`${at}.n: expected integer, found string "x"`)
    const unknown = insert('gates', { gate: chain(50, { type: 'not' }) })
    expect((await refusal(unknown)).detail).toContain(`${at}.type: expected "and", found string`)
  })

  test('by types is decided as well', async () => {
    await addChecked(database(), 'json', exportPayloadSchema(z.object({ value: z.json() })))
    expect(await undecided('json')).toEqual([])
    await insert('json', { value: Array.from({ length: 50 }).reduce((inner) => [{ inner }], 1) })
  })

  test('with nothing to tell its branches apart is followed by one of them alone', async () => {
    const node = (key: string) => ({
      type: 'object',
      properties: { next: { $ref: '#/properties/tree' }, [key]: { type: 'string' } },
      required: [key],
    })
    await addChecked(database(), 'blurred', {
      properties: { tree: { anyOf: [node('a'), node('b'), { type: 'null' }] } },
    })
    expect(await undecided('blurred')).toMatchObject([
      { at: '#/properties/tree/anyOf/1/properties/next', keyword: '$ref' },
    ])
    const nested = (depth: number, end: unknown): unknown =>
      depth === 0 ? end : { a: 'x', next: nested(depth - 1, end) }
    await insert('blurred', { tree: nested(50, null) })
    expect((await refusal(insert('blurred', { tree: nested(50, 7) }))).code).toBe('JT002')
  })

  test.each([
    ['allOf', { allOf: [{ $ref: '#/$defs/part' }, { $ref: '#/$defs/part' }] }],
    ['if', { if: { $ref: '#/$defs/part' }, else: { $ref: '#/$defs/part' } }],
    ['its own keys', { ...part(), allOf: [{ $ref: '#/$defs/part' }] }],
    ['dependentSchemas', { ...part(), dependentSchemas: { next: { $ref: '#/$defs/part' } } }],
    ['maxContains', { contains: { $ref: '#/$defs/node' }, maxContains: 1 }],
  ])('for the same value by %s is followed once', async (name, node) => {
    await addChecked(database(), `twice by ${name}`, {
      properties: { tree: { $ref: '#/$defs/node' } },
      $defs: { node, part: part() },
    })
    expect(await undecided(`twice by ${name}`)).not.toEqual([])
    const nested = (depth: number): unknown =>
      depth === 0 ? 1 : name === 'maxContains' ? [nested(depth - 1)] : { next: nested(depth - 1) }
    await insert(`twice by ${name}`, { tree: nested(50) })
  })

  function part() {
    return { properties: { next: { $ref: '#/$defs/node' } } }
  }
})

describe('a large schema that refers to itself', () => {
  /** In quadratic time it took a minute and more. */
  const MOST_TO_COMPILE_MS = 25_000

  async function declare(type: string, schema: unknown): Promise<void> {
    await using session = await openSession(database())
    await session.query(`set statement_timeout = ${MOST_TO_COMPILE_MS}`)
    await session.query('insert into jobtable.job_type (name, payload_schema) values ($1, $2)', [
      type,
      JSON.stringify(schema),
    ])
  }

  test('by a ring of definitions is compiled in time, and so is a refusal told', async () => {
    const size = 380
    const part = (n: number) => ({
      type: 'object',
      properties: {
        name: { type: 'string' },
        next: { $ref: `#/$defs/part${(n + 1) % size}` },
        others: { type: 'array', items: { $ref: `#/$defs/part${(n * 7 + 3) % size}` } },
      },
    })
    await declare('ring', {
      $ref: '#/$defs/part0',
      $defs: Object.fromEntries(Array.from({ length: size }, (_, n) => [`part${n}`, part(n)])),
    })
    expect(await undecided('ring')).toEqual([])
    const wrong = insert('ring', { next: { others: [{ name: 1 }] } })
    expect((await refusal(wrong)).detail).toBe(
      'payload.next.others[0].name: expected string, found number 1',
    )
  }, 60_000)

  test('by a union of 480 branches is compiled in time, and they are told apart', async () => {
    const branch = (n: number) => ({
      type: 'object',
      properties: { kind: { const: n }, next: { $ref: '#/$defs/node' } },
      required: ['kind'],
    })
    await declare('branches', {
      $ref: '#/$defs/node',
      $defs: { node: { anyOf: Array.from({ length: 480 }, (_, n) => branch(n)) } },
    })
    expect(await undecided('branches')).toEqual([])
    const { detail } = await refusal(insert('branches', { kind: 7, next: { kind: 500 } }))
    expect(detail).toContain('payload.next: expected one of 480 shapes')
  }, 60_000)

  test.each([
    [63, []],
    [66, ['$ref']],
  ])('by %i branches that no one key tells apart leaves undecided: %j', async (size, keywords) => {
    // Each two share a key for which they ask other values, and no key is asked for by all.
    const branch = (n: number) => ({
      type: 'object',
      properties: {
        ...Object.fromEntries(['a', 'b', 'c'].map((key) => [key, { const: n }])),
        next: { $ref: '#/$defs/node' },
      },
      required: ['a', 'b', 'c'].filter((_, key) => key !== n % 3),
    })
    await declare(`shared ${size}`, {
      $ref: '#/$defs/node',
      $defs: { node: { anyOf: Array.from({ length: size }, (_, n) => branch(n)) } },
    })
    const found = new Set((await undecided(`shared ${size}`)).map(({ keyword }) => keyword))
    expect([...found]).toEqual(keywords)
  })
})

describe('a refusal', () => {
  beforeAll(async () => {
    await addChecked(database(), 'wide', {
      properties: { list: { items: { type: 'string', maxLength: 3 } } },
      additionalProperties: { type: 'string' },
    })
  })

  test('of a long list tells its first 50 faults, and looks for no more', async () => {
    const list = Array.from({ length: 200_000 }, () => 1)
    const { detail } = await refusal(insert('wide', { list }))
    expect(detail?.split('\n').slice(-2)).toEqual([
      'payload.list[49]: expected string, found number 1',
      '… and more',
    ])
  })

  test('of an object with many keys likewise', async () => {
    const keys = Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n])
    const { detail } = await refusal(insert('wide', Object.fromEntries(keys)))
    expect(detail?.split('\n')).toHaveLength(51)
  })

  test('of 50 faults tells all of them', async () => {
    const { detail } = await refusal(insert('wide', { list: Array.from({ length: 50 }, () => 1) }))
    expect(detail?.split('\n')).toHaveLength(50)
  })
})

describe('the size of a schema', () => {
  const check = (schema: unknown) =>
    database().query(`select jobtable_internal.schema_check('sized', $1)`, [JSON.stringify(schema)])
  const wide = (schemas: number) => ({
    properties: Object.fromEntries(Array.from({ length: schemas - 1 }, (_, n) => [`k${n}`, {}])),
  })
  const deep = (levels: number): object =>
    levels === 0 ? {} : { properties: { a: deep(levels - 1) } }

  test('is at most 2,000 schemas, itself included', async () => {
    await check(wide(2_000))
    expect(await refusal(check(wide(2_001)))).toMatchObject({
      code: 'JT020',
      message: 'the payload schema of job type "sized" has more than 2000 schemas within it',
    })
  })

  test('is at most 40 levels', async () => {
    await check(deep(40))
    expect(await refusal(check(deep(41)))).toMatchObject({
      code: 'JT020',
      message: 'the payload schema of job type "sized" is nested more than 40 levels deep',
    })
  })
})
