import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exportPayloadSchema } from '../../src/payload-schema.ts'

/** What the export says of one property. */
function propertyOf(schema: z.ZodType): unknown {
  const exported = z
    .object({
      properties: z.object({ value: z.unknown() }),
      required: z.array(z.string()).optional(),
    })
    .parse(exportPayloadSchema(z.object({ value: schema })))
  return { ...Object(exported.properties.value), required: exported.required !== undefined }
}

describe('the export of a zod schema', () => {
  test('keeps defaults that last', () => {
    expect(propertyOf(z.number().default(3))).toEqual({
      type: 'number',
      default: 3,
      required: false,
    })
    expect(propertyOf(z.array(z.string()).default(() => []))).toMatchObject({ default: [] })
  })

  test.each([
    ['time', z.number().default(() => Date.now())],
    ['day', z.string().default(() => new Date().toISOString().slice(0, 10))],
    ['chance', z.number().default(() => Math.random())],
  ])('leaves out a default that depends on the %s, and says so', (_, schema) => {
    const property = propertyOf(schema)
    expect(property).not.toHaveProperty('default')
    expect(property).toMatchObject({ 'x-jobtable-undecided': ['default'], required: false })
  })

  test('leaves keys that every object has to zod', () => {
    const exported = exportPayloadSchema(z.object({ toString: z.string().optional() }))
    expect(exported).toMatchObject({ 'x-jobtable-undecided': ['inherited key'] })
  })

  test('puts the clock back', () => {
    const Present = globalThis.Date
    propertyOf(z.number())
    expect(globalThis.Date).toBe(Present)
  })

  test.each([
    [
      'a refinement',
      z.string().refine(() => true),
      { type: 'string', 'x-jobtable-undecided': ['refine'], required: true },
    ],
    [
      'flags of a pattern',
      z.string().regex(/a/i),
      { type: 'string', 'x-jobtable-undecided': ['string_format'], required: true },
    ],
    [
      'what follows a change',
      z.string().trim().min(1),
      { type: 'string', 'x-jobtable-undecided': ['overwrite'], required: true },
    ],
    [
      'a format',
      z.ipv6(),
      { type: 'string', format: 'ipv6', 'x-jobtable-undecided': ['string_format'], required: true },
    ],
    ['coercion', z.coerce.number(), { 'x-jobtable-undecided': ['number'], required: true }],
    ['a date', z.date(), { 'x-jobtable-undecided': ['date'], required: true }],
    ['a fallback', z.number().catch(1), { 'x-jobtable-undecided': ['catch'], required: false }],
  ])('never asks for more than zod does: %s', (_, schema, expected) => {
    expect(propertyOf(schema)).toEqual(expected)
  })

  test('passes on no metadata but notes', () => {
    expect(propertyOf(z.string().meta({ title: 'A', unit: 'cm', pattern: 'x' }))).toEqual({
      type: 'string',
      title: 'A',
      required: true,
    })
  })
})

test('a schema of another library exports by Standard JSON Schema, or not at all', () => {
  const standard = {
    version: 1,
    vendor: 'other',
    validate: (value: unknown) => ({ value }),
  } as const
  expect(exportPayloadSchema({ '~standard': standard })).toBeUndefined()
  const jsonSchema = { input: () => ({ type: 'object' }) }
  expect(exportPayloadSchema({ '~standard': { ...standard, jsonSchema } })).toEqual({
    type: 'object',
    'x-jobtable-semantics': 'ecmascript',
  })
})
