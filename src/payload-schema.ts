import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { StandardSchema } from './standard-schema.ts'

/** A JSON Schema (draft 2020-12) that is an object, as all exports are. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What only the executor's own schema can tell of a value: kinds that JSON Schema has no words for. */
const UNDECIDED = 'x-jobtable-undecided'

/** Tells the database that numbers are doubles, and what regular expressions see, as in this language. */
const SEMANTICS = { 'x-jobtable-semantics': 'ecmascript' }

/** Kinds of zod schemas whose export says nothing, or not what they take. */
const OPEN: ReadonlySet<string> = new Set([
  'bigint',
  'catch',
  'custom',
  'date',
  'file',
  'function',
  'map',
  'nan',
  'promise',
  'set',
  'success',
  'symbol',
  'transform',
  'undefined',
  'void',
])

/** Checks that an export has words for, or that its patterns and bounds include. */
const EXPORTED: ReadonlySet<string> = new Set([
  'greater_than',
  'less_than',
  'multiple_of',
  'number_format',
  'min_length',
  'max_length',
  'length_equals',
  'string_format',
])

/** Formats that zod decides by more than their pattern, or by something else. */
const UNTOLD: ReadonlySet<string> = new Set(['base64', 'base64url', 'cidrv6', 'ipv6', 'jwt', 'url'])

/** Notes for people that go along; other metadata could pass for keywords. */
const NOTES = ['title', 'description', 'examples', 'deprecated']

/** Keywords that hold for a value before zod changes it (trim, lower case …), too. */
const LASTING: ReadonlySet<string> = new Set(['type', 'title', 'description', 'examples'])

/** Keywords that hold schemas by name. */
const MAPS: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs'])

/**
 * The JSON Schema of the payloads that a schema takes, for the database to compile. It never asks for
 * more than the schema does; where it asks for less, it says so under `x-jobtable-undecided`.
 * Undefined for a schema that exports none.
 */
export function exportPayloadSchema(schema: StandardSchema): JsonSchema | undefined {
  const exported = exportOnce(schema)
  if (exported === undefined) return undefined
  // A default that depends on the clock is none of the schema's: it is read at another time as well.
  const elsewhen = atAnotherTime(() => exportOnce(schema))
  return { ...SEMANTICS, ...lasting(exported, elsewhen) }
}

function exportOnce(schema: StandardSchema): Record<string, unknown> | undefined {
  if (schema instanceof z.ZodType) {
    const exported = z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      metadata: new Notes(),
      override: ({ zodSchema, jsonSchema }) => narrow(zodSchema, jsonSchema),
    })
    return plain(exported)
  }
  const { jsonSchema } = schema['~standard']
  return jsonSchema === undefined ? undefined : plain(jsonSchema.input({ target: 'draft-2020-12' }))
}

/** As it arrives in the database. */
function plain(exported: object): Record<string, unknown> {
  const text = JSON.stringify(exported, (key, value: unknown) =>
    // zod's intersections of objects have nulls there for names such as valueOf.
    key === 'allOf' && Array.isArray(value) ? value.filter((part) => part !== null) : value,
  )
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
}

class Notes extends z.core.$ZodRegistry<Record<string, unknown>> {
  override get(schema: z.core.$ZodType): Record<string, unknown> | undefined {
    const meta: Record<string, unknown> | undefined = z.globalRegistry.get(schema)
    if (meta === undefined) return undefined
    return Object.fromEntries(Object.entries(meta).filter(([key]) => NOTES.includes(key)))
  }
}

/** Takes out of one schema's export what zod does not keep to, and notes what it leaves out. */
function narrow(schema: z.core.$ZodTypes, json: Record<string, unknown>): void {
  const { def } = schema._zod
  if (isOpen(schema)) {
    for (const key of Object.keys(json)) delete json[key]
    note(json, def.type)
    return
  }
  // What both sides give out must be the same, which JSON Schema cannot ask.
  if (def.type === 'pipe' || def.type === 'intersection') note(json, def.type)
  if (def.type === 'object') loosen(def.shape, json)
  if (def.type === 'record') narrowRecord(def, json)
  if (def.type === 'tuple') narrowTuple(def, json)
  if ('check' in def) narrowCheck(def, json)
  for (const check of def.checks ?? []) narrowCheck(check._zod.def, json)
}

function isOpen(schema: z.core.$ZodTypes): boolean {
  const { def } = schema._zod
  if (schema._zod.toJSONSchema !== undefined || OPEN.has(def.type)) return true
  if ('coerce' in def && def.coerce) return true
  if (def.type === 'pipe') return def.in._zod.def.type === 'transform'
  if (def.type !== 'literal') return false
  return def.values.some(
    (value) => value === undefined || typeof value === 'bigint' || Number.isNaN(value),
  )
}

/** A key that zod can do without is not required, whatever its declared type says. */
function loosen(shape: Readonly<z.core.$ZodShape>, json: Record<string, unknown>): void {
  // Of a missing key such as toString, zod finds the function that every object has.
  if (Object.keys(shape).some((key) => key in Object.prototype)) note(json, 'inherited key')
  if (!Array.isArray(json['required'])) return
  const required = json['required'].filter((key) => shape[String(key)]?._zod.optin === undefined)
  if (required.length > 0) json['required'] = required
  else delete json['required']
}

/** Items at the end that may be any value may also be missing. */
function narrowTuple({ items }: z.core.$ZodTupleDef, json: Record<string, unknown>): void {
  const least = items.findLastIndex((item) => !takesNothing(item)) + 1
  if (typeof json['minItems'] !== 'number' || json['minItems'] <= least) return
  json['minItems'] = least
  note(json, 'tuple')
}

/** Whether a value of the schema may be missing. */
function takesNothing(schema: z.core.$ZodType): boolean {
  if (schema._zod.optin !== undefined) return true
  try {
    return z.safeParse(schema, undefined).success
  } catch {
    // It takes its time, or throws: nobody can tell.
    return true
  }
}

/** Keys are text; a record whose keys are not compares what they mean. */
function narrowRecord(def: z.core.$ZodRecordDef, json: Record<string, unknown>): void {
  const { type } = def.keyType._zod.def
  if (takesNothing(def.valueType)) delete json['required']
  const isPlain = type === 'string' || type === 'enum' || type === 'literal'
  if (isPlain && def.mode !== 'loose') return
  for (const key of ['propertyNames', 'patternProperties', 'additionalProperties', 'required'])
    delete json[key]
  note(json, 'record')
}

function narrowCheck(check: z.core.$ZodCheckDef, json: Record<string, unknown>): void {
  if (check.check === 'overwrite') {
    // What follows it is asked of the changed value.
    for (const key of Object.keys(json)) if (!LASTING.has(key)) delete json[key]
  } else if (EXPORTED.has(check.check)) {
    const pattern = 'pattern' in check ? check.pattern : undefined
    if (!(pattern instanceof RegExp)) return
    const isTold = !('format' in check && UNTOLD.has(String(check.format)))
    if (isTold && pattern.flags.replaceAll(/[dg]/g, '') === '') return
    if (json['pattern'] === pattern.source) delete json['pattern']
    const parts: unknown = json['allOf']
    if (Array.isArray(parts)) {
      const others = parts.filter(
        (part: unknown) => !isObject(part) || part['pattern'] !== pattern.source,
      )
      json['allOf'] = others
      if (others.length === 0) delete json['allOf']
    }
  }
  note(json, check.check === 'custom' ? 'refine' : check.check)
}

function note(json: Record<string, unknown>, what: string): void {
  const noted: readonly unknown[] = Array.isArray(json[UNDECIDED]) ? json[UNDECIDED] : []
  json[UNDECIDED] = [...new Set([...noted, what])]
}

/** An export without the defaults in which another one differs. */
function lasting(json: JsonSchema, other: unknown): JsonSchema {
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(json)) {
    const counterpart = isObject(other) ? other[key] : undefined
    if (key === 'default' && !isDeepStrictEqual(value, counterpart)) note(kept, 'default')
    else if (MAPS.has(key) && isObject(value)) kept[key] = lastingEach(value, counterpart)
    else kept[key] = key === 'default' ? value : lastingPart(value, counterpart)
  }
  return kept
}

/** Of schemas by name: there a key is no keyword. */
function lastingEach(schemas: JsonSchema, others: unknown): JsonSchema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      lastingPart(schema, isObject(others) ? others[name] : undefined),
    ]),
  )
}

function lastingPart(value: unknown, other: unknown): unknown {
  if (isObject(value)) return lasting(value, other)
  if (!Array.isArray(value)) return value
  const others: readonly unknown[] = Array.isArray(other) ? other : []
  return value.map((item: unknown, index) => lastingPart(item, others[index]))
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Until then, every day and every year are others: some 400 days. */
const ANOTHER_TIME_MS = 400 * 86_400_000 + 12_345_678

/** Runs something synchronous at a time at which its result should be the same. */
function atAnotherTime<T>(read: () => T): T {
  const Present = globalThis.Date
  const now = (): number => Present.now() + ANOTHER_TIME_MS
  globalThis.Date = new Proxy(Present, {
    construct: (target, given: unknown[], newTarget): Date => {
      const date: unknown = Reflect.construct(
        target,
        given.length === 0 ? [now()] : given,
        newTarget,
      )
      if (!(date instanceof Present)) throw new TypeError('no Date')
      return date
    },
    get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
  })
  try {
    return read()
  } finally {
    globalThis.Date = Present
  }
}
