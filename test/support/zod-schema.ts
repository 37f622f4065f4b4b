import fc from 'fast-check'
import { z } from 'zod'

/** A zod schema, with values that mostly fit it. */
export interface Sample {
  readonly schema: z.ZodType
  readonly value: fc.Arbitrary<unknown>
}

/** A number as it is written, which may be no double: 1e400, 0.1 with 20 more digits. */
function literal(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}

/** Text that PostgreSQL can hold in JSON, also beyond the Basic Multilingual Plane. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.string({ maxLength: 8 }),
    fc.constantFrom(
      '',
      ' ',
      'a',
      'abc',
      '😀',
      '👍🏽',
      'é',
      'e\u0301',
      "'",
      '$',
      '%s',
      '%1$s',
      '{}',
      '\n',
      '__proto__',
    ),
  )
  .filter((value) => !value.includes('\0'))

const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc
    .constantFrom(
      '1.0',
      '-0',
      '-0.0',
      '1e400',
      '-1e400',
      '1e-400',
      '1.00000000000000000001',
      '0.99999999999999999999',
      '9007199254740991',
      '9007199254740992',
      '9007199254740991.3',
      '1e308',
      '1.7976931348623157e308',
      '1.7976931348623159e308',
      '5.00000000000000000000001',
      '4.99999999999999999999999',
      '0.1',
      '0.30000000000000004',
      '1e21',
      '1e-7',
    )
    .map(literal),
)

const key = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'c',
    'value',
    'kind',
    'na/me',
    'ti~lde',
    "quo'te",
    'dou"ble',
    '$ref',
    '%s',
    '%1$s',
    'line\nfeed',
    'type',
    'payload',
    'properties',
    '😀',
  ),
  text,
)

const anything: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
})).value

const bound = fc.oneof(
  fc.integer({ min: -10, max: 10 }),
  fc.constantFrom(0.5, 0.1, -0.25, 1e21, 5e-324),
)
const length = fc.integer({ min: 0, max: 5 })

const PATTERNS = [
  /^a/,
  /b$/,
  /^[a-z]+$/,
  /^[^a-z]*$/,
  /\d+/,
  /^\w{2,3}$/,
  /^(a|b)*$/,
  /^.$/,
  /^..$/,
  /\s/,
  /^\S*$/,
  /[\d-]/,
  /[$%'"\\]/,
  /^(?:x|y)?z*?$/,
  /a{0}/,
  /^(?!a)/,
  /\u00e9/,
  /^[\u0020-\u007f]*$/,
  /a|^$/,
  /\//,
  /^[^\]]+$/,
  /^\x41/,
  /(?<name>a)b/,
  /\bword/,
  /^\p{L}$/u,
  /abc/i,
  /^a$/m,
]

const strings: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant({ schema: z.string(), value: text }),
  length.map((n) => ({ schema: z.string().min(n), value: text })),
  length.map((n) => ({ schema: z.string().max(n), value: text })),
  length.map((n) => ({ schema: z.string().length(n), value: text })),
  fc.constantFrom(...PATTERNS).map((pattern) => ({
    schema: z.string().regex(pattern),
    value: fc.oneof(
      text,
      fc.constantFrom('a', 'b', 'ab', 'A', 'ABC', '12', '-', 'abab', '\n', 'a\n', '\u2028'),
    ),
  })),
  text.map((part) => ({
    schema: z.string().startsWith(part),
    value: fc.oneof(
      text,
      text.map((rest) => part + rest),
    ),
  })),
  text.map((part) => ({
    schema: z.string().includes(part),
    value: fc.oneof(
      text,
      text.map((rest) => rest + part),
    ),
  })),
  fc.constantFrom(
    { schema: z.email(), value: fc.oneof(text, fc.emailAddress()) },
    { schema: z.uuid(), value: fc.oneof(text, fc.uuid()) },
    {
      schema: z.iso.date(),
      value: fc.oneof(
        text,
        fc.constantFrom('2024-02-29', '2023-02-29', '2024-13-01', '2024-12-31'),
      ),
    },
    {
      schema: z.iso.datetime(),
      value: fc.oneof(
        text,
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.constantFrom('2024-02-29T12:00:00Z', '2024-02-29T12:00:00+01:00'),
      ),
    },
    { schema: z.iso.time(), value: fc.constantFrom('12:00', '12:00:00', '24:00:00', '12:60') },
    { schema: z.ipv4(), value: fc.oneof(text, fc.ipV4()) },
    { schema: z.ipv6(), value: fc.oneof(text, fc.ipV6()) },
    { schema: z.url(), value: fc.oneof(text, fc.webUrl()) },
    { schema: z.base64(), value: fc.oneof(text, fc.base64String()) },
    { schema: z.nanoid(), value: text },
    { schema: z.ulid(), value: fc.oneof(text, fc.ulid()) },
    { schema: z.iso.duration(), value: fc.constantFrom('P1D', 'PT1H', 'P', '') },
    { schema: z.e164(), value: fc.constantFrom('+491234567', '12', '+0') },
    { schema: z.string().trim().min(1), value: text },
    {
      schema: z
        .string()
        .toLowerCase()
        .regex(/^[a-z]*$/),
      value: text,
    },
    { schema: z.string().lowercase(), value: text },
    { schema: z.string().uppercase(), value: text },
    { schema: z.string().refine((value) => value !== 'a'), value: text },
    { schema: z.string().transform((value) => value.length), value: text },
    { schema: z.coerce.number(), value: fc.oneof(text, number) },
    { schema: z.stringbool(), value: fc.constantFrom('true', 'no', 'x') },
    {
      schema: z.templateLiteral(['a', z.number(), 'b']),
      value: fc.constantFrom('a1b', 'a1.5b', 'ab', 'a-1b'),
    },
  ),
)

const numbers: fc.Arbitrary<Sample> = fc.oneof(
  fc
    .constantFrom(
      z.number(),
      z.int(),
      z.int32(),
      z.uint32(),
      z.float32(),
      z.number().positive(),
      z.number().nonnegative(),
    )
    .map((schema) => ({ schema, value: number })),
  bound.map((n) => ({ schema: z.number().min(n), value: number })),
  bound.map((n) => ({ schema: z.number().max(n), value: number })),
  bound.map((n) => ({ schema: z.number().gt(n), value: number })),
  bound.map((n) => ({ schema: z.number().lt(n), value: number })),
  fc.constantFrom(1, 2, 3, 0.1, 0.5, 0.07, 1e-7, 1e10, 7.3).map((n) => ({
    schema: z.number().multipleOf(n),
    value: fc.oneof(
      number,
      fc.integer({ min: -50, max: 50 }).map((k) => k * n),
    ),
  })),
)

const constants: fc.Arbitrary<Sample> = fc.oneof(
  fc.constantFrom(
    { schema: z.boolean(), value: fc.boolean() },
    { schema: z.null(), value: fc.constant(null) },
    { schema: z.any(), value: anything },
    { schema: z.unknown(), value: anything },
    { schema: z.never(), value: anything },
    { schema: z.date(), value: anything },
    { schema: z.undefined(), value: anything },
    { schema: z.json(), value: anything },
    { schema: z.preprocess((value) => value ?? 1, z.number()), value: anything },
    { schema: z.number().catch(3), value: anything },
  ),
  fc
    .uniqueArray(fc.oneof(text, fc.integer(), fc.constantFrom(null, true, 0.1, -0, 1)), {
      minLength: 1,
      maxLength: 4,
    })
    .map((values) => ({
      schema: z.literal(values),
      value: fc.oneof(
        fc.constantFrom(...values),
        fc.constantFrom('1', 1, 0, null).map((v) => v),
        number,
      ),
    })),
  fc.uniqueArray(text, { minLength: 1, maxLength: 4 }).map((values) => ({
    schema: z.enum(values),
    value: fc.oneof(fc.constantFrom(...values), text),
  })),
)

function merged(first: unknown, second: unknown): object {
  return Object.assign({}, first, second)
}

/** Schemas of every kind, and values for them. */
export const samples: fc.Arbitrary<Sample> = fc.letrec<{ sample: Sample; object: Sample }>(
  (tie) => {
    const { sample, object } = { sample: tie('sample'), object: tie('object') }
    const fields = fc.dictionary(
      key.filter((name) => name !== '__proto__'),
      fc.tuple(sample, fc.constantFrom('required', 'optional', 'nullish', 'default', 'exact')),
      { maxKeys: 4, noNullPrototype: true },
    )
    const arrays: fc.Arbitrary<Sample> = fc
      .tuple(sample, fc.option(length), fc.option(length))
      .map(([item, min, max]) => {
        const array = z.array(item.schema)
        const least = min === null ? array : array.min(min)
        return {
          schema: max === null ? least : least.max(max),
          value: fc.array(item.value, { maxLength: 5 }),
        }
      })
    const tuples: fc.Arbitrary<Sample> = fc
      .tuple(fc.array(sample, { maxLength: 3 }), fc.option(sample), fc.nat(2))
      .map(([items, rest, optional]) => {
        const schemas = items.map(({ schema }, index) =>
          index >= items.length - optional ? schema.optional() : schema,
        )
        const base = z.tuple(schemas as [])
        return {
          schema: rest === null ? base : base.rest(rest.schema),
          value: fc
            .tuple(
              fc.nat(4),
              fc.tuple(...items.map(({ value }) => value)),
              fc.array(rest?.value ?? anything, { maxLength: 2 }),
            )
            .map(([n, own, more]) => [...own, ...more].slice(0, n)),
        }
      })
    const records: fc.Arbitrary<Sample> = fc.oneof(
      sample.map((item) => ({
        schema: z.record(z.string(), item.schema),
        value: fc.dictionary(key, item.value, { maxKeys: 3, noNullPrototype: true }),
      })),
      sample.map((item) => ({
        schema: z.record(z.string().min(2), item.schema),
        value: fc.dictionary(key, item.value, { maxKeys: 3, noNullPrototype: true }),
      })),
      sample.map((item) => ({
        schema: z.partialRecord(z.enum(['a', 'b']), item.schema),
        value: fc.dictionary(fc.constantFrom('a', 'b', 'c'), item.value, { noNullPrototype: true }),
      })),
      sample.map((item) => ({
        schema: z.record(z.enum(['a', 'b']), item.schema),
        value: fc.dictionary(fc.constantFrom('a', 'b'), item.value, { noNullPrototype: true }),
      })),
      sample.map((item) => ({
        schema: z.record(z.number(), item.schema),
        value: fc.dictionary(fc.constantFrom('1', 'b'), item.value, { noNullPrototype: true }),
      })),
    )
    const discriminated: fc.Arbitrary<Sample> = fc.tuple(object, object).map(([a, b]) => {
      const [first, second] = [a.schema as z.ZodObject, b.schema as z.ZodObject]
      return {
        schema: z.discriminatedUnion('kind', [
          first.extend({ kind: z.literal('a') }),
          second.extend({ kind: z.literal(['b', 'c']) }),
        ]),
        value: fc
          .tuple(fc.constantFrom('a', 'b', 'c', 'd', 1), fc.oneof(a.value, b.value))
          .map(([kind, value]) => merged(value, { kind })),
      }
    })
    return {
      object: fc
        .tuple(fields, fc.constantFrom('plain', 'strict', 'loose', 'catchall'))
        .map(([shape, kind]) => objectOf(shape, kind)),
      sample: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        { weight: 3, arbitrary: strings },
        { weight: 2, arbitrary: numbers },
        { weight: 1, arbitrary: constants },
        { weight: 3, arbitrary: object },
        { weight: 1, arbitrary: arrays },
        { weight: 1, arbitrary: tuples },
        { weight: 1, arbitrary: records },
        { weight: 1, arbitrary: discriminated },
        {
          weight: 1,
          arbitrary: fc.array(sample, { minLength: 1, maxLength: 3 }).map((options) => ({
            schema: z.union(options.map(({ schema }) => schema)),
            value: fc.oneof(...options.map(({ value }) => value)),
          })),
        },
        {
          weight: 1,
          arbitrary: fc.tuple(object, object).map(([a, b]) => ({
            schema: z.intersection(a.schema, b.schema),
            value: fc.tuple(a.value, b.value).map(([x, y]) => merged(x, y)),
          })),
        },
        {
          weight: 1,
          arbitrary: sample.map(({ schema, value }) => ({
            schema: schema.nullable(),
            value: fc.option(value),
          })),
        },
        {
          weight: 1,
          arbitrary: sample.map(({ schema, value }) => ({ schema: schema.readonly(), value })),
        },
      ),
    }
  },
).sample

type Presence = 'required' | 'optional' | 'nullish' | 'default' | 'exact'

function objectOf(fields: Record<string, [Sample, string]>, kind: string): Sample {
  const entries = Object.entries(fields)
  const shape = Object.fromEntries(
    entries.map(([name, [{ schema, value }, presence]]) => [
      name,
      present(schema, presence as Presence, value),
    ]),
  )
  const values = fc.record(
    Object.fromEntries(entries.map(([name, [{ value }]]) => [name, value])),
    { requiredKeys: [], noNullPrototype: true },
  )
  const all = fc.record(Object.fromEntries(entries.map(([name, [{ value }]]) => [name, value])), {
    noNullPrototype: true,
  })
  const more = fc
    .tuple(all, fc.dictionary(key, anything, { maxKeys: 1, noNullPrototype: true }))
    .map(([own, others]) => ({ ...others, ...own }))
  const schema =
    kind === 'strict'
      ? z.strictObject(shape)
      : kind === 'loose'
        ? z.looseObject(shape)
        : kind === 'catchall'
          ? z.object(shape).catchall(z.string())
          : z.object(shape)
  return {
    schema,
    value: fc.oneof(
      { weight: 4, arbitrary: all },
      { weight: 2, arbitrary: values },
      { weight: 1, arbitrary: more },
    ),
  }
}

function present(schema: z.ZodType, presence: Presence, value: fc.Arbitrary<unknown>): z.ZodType {
  switch (presence) {
    case 'required':
      return schema
    case 'optional':
      return schema.optional()
    case 'exact':
      return z.exactOptional(schema)
    case 'nullish':
      return schema.nullish()
    case 'default': {
      const [constant] = fc.sample(value, { numRuns: 1, seed: 1 })
      const parsed = parse(schema, JSON.stringify(constant ?? null))
      return parsed.success && parsed.data !== undefined ? schema.default(parsed.data) : schema
    }
  }
}

/** Values for a schema: most of them near to fitting, some anything. */
export function valuesOf(sample: Sample): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 5, arbitrary: sample.value }, { weight: 1, arbitrary: anything })
}

/** zod throws where two sides of an intersection come to different values. */
export function parse(schema: z.ZodType, json: string): z.ZodSafeParseResult<unknown> {
  try {
    // PostgreSQL's JSON has no -0.
    return schema.safeParse(JSON.parse(json, (_, value: unknown) => (value === 0 ? 0 : value)))
  } catch (error) {
    if (!String(error).includes('Unmergable intersection')) throw error
    return { success: false, error: new z.ZodError([]) }
  }
}
