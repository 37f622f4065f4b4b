import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { openCompiler } from '../../support/schema.ts'

const database = useDatabase()

/** It takes two seconds; this is for a busy machine. */
const MOST_MS = 20_000

const PROPERTIES: readonly unknown[] = [
  { type: 'string' },
  { type: 'string', minLength: 1 },
  { type: 'string', minLength: 0.5, maxLength: 3 },
  { type: 'string', minLength: 2, pattern: '^a' },
  { type: 'string', format: 'uuid' },
  { type: 'string', enum: ['a', 'it\'s "quoted" \\ \n é 😀'] },
  { const: 'a' },
  { enum: ['a', 1, null] },
  { enum: [] },
  { enum: ['a'], const: 'b' },
  { type: ['string', 'null'], enum: ['a', null] },
  { type: 'number' },
  { type: 'integer' },
  { type: 'number', minimum: 0, maximum: 10 },
  { type: 'integer', minimum: -1.5, maximum: 1e300 },
  { type: 'number', exclusiveMinimum: 0 },
  { type: 'number', multipleOf: 2 },
  { type: ['integer', 'string', 'null'], minimum: 1, minLength: 1 },
  { type: ['integer', 'number'] },
  { type: 'boolean' },
  { type: 'null' },
  { type: 'object' },
  { type: 'object', minProperties: 1 },
  { type: 'object', properties: { p: { type: 'string' } }, required: ['p'] },
  { type: 'array' },
  { type: 'array', items: { type: 'string' } },
  { type: 'array', items: { type: 'integer' } },
  { type: 'array', items: { type: ['string', 'null'] } },
  { type: 'array', items: { type: 'array' } },
  { type: 'array', items: { type: 'string', minLength: 2 } },
  { type: 'array', items: { type: 'string' }, prefixItems: [{ type: 'null' }] },
  { type: 'array', items: { type: 'string' }, minItems: 2 },
  { type: ['array', 'null'], items: { type: 'object' } },
  { anyOf: [{ type: 'string', minLength: 1 }, { type: 'null' }] },
  { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^b' }] },
  { anyOf: [{ type: 'null' }, true] },
  { $ref: '#' },
  {},
  true,
  false,
]

/** JSON, one after the other. */
const VALUES = String.raw`
  null · true · false · "" · "a" · "b" · "abcd" · "1" · "it's \"quoted\" \\ \n é 😀" · {} · {"p":"a"}
  "0188e2b4-7b1c-4c1d-8e2f-000000000000" · {"p":1} · 0 · 1 · -1 · -1.5 · 2.5 · 2.0 · 10 · 11 · -1e-400
  1e-400 · 1e308 · 1e309 · 9007199254740993 · [] · ["a"] · [["a"]] · ["a","b"] · ["a",1] · ["a",null]
  [0] · [1] · [1.5] · [null] · [true] · [{}] · [{"p":"a"}] · [{"p":"a"},["a"]]
`
  .trim()
  .split(/ · |\n */)

test.each([
  ['JSON Schema', {}],
  ['zod', { 'x-jobtable-semantics': 'ecmascript' }],
])(
  'what a path tells of a property is what its schema asks, as %s has it',
  async (_, semantics) => {
    await using compiler = await openCompiler(database())
    const wrong: string[] = []
    let fitting = 0
    const compare = async (schema: object, values: readonly string[]): Promise<void> => {
      const compiled = await compiler.compile({ ...semantics, ...schema })
      for (const value of values) {
        const answer = await compiled?.checkText(value)
        if (answer?.fits === true) fitting += 1
        // The words of a refusal are found without a path.
        if (answer?.fits !== (answer?.faults.length === 0)) {
          wrong.push(`${value} by ${JSON.stringify(schema)}: ${answer?.fits}`)
        }
      }
    }
    const objects = ['{}', '{"q":1}', ...VALUES.map((value) => `{"p":${value}}`)]
    for (const p of PROPERTIES) {
      for (const required of [[], ['p']]) {
        await compare({ type: 'object', properties: { p }, required }, objects)
      }
    }
    for (const type of [undefined, ['object', 'null'], ['array', 'null'], 'array']) {
      await compare({ type, properties: { p: { type: 'string' } }, required: ['p'] }, VALUES)
    }
    expect(wrong).toEqual([])
    expect(fitting).toBeGreaterThan(500)
  },
)

test('an object of very many properties is compiled in time, and checked', async () => {
  await using compiler = await openCompiler(database())
  const keys = Array.from({ length: 1_900 }, (_, n) => `key ${n}`)
  const property = { type: 'string', minLength: 1, maxLength: 20, pattern: '^a' }
  const properties = Object.fromEntries(keys.map((key) => [key, property]))
  const begun = performance.now()
  const compiled = await compiler.compile({ type: 'object', properties, required: keys })
  expect(performance.now() - begun).toBeLessThan(MOST_MS)
  const value = Object.fromEntries(keys.map((key) => [key, 'a']))
  expect((await compiled?.check(value))?.fits).toBe(true)
  expect((await compiled?.check({ ...value, 'key 1899': 'b' }))?.fits).toBe(false)
})
