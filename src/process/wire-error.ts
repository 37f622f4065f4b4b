import { inspect } from 'node:util'
import { serialize } from 'node:v8'
import { z } from 'zod'
import * as errors from '../errors.ts'

/** Causes of causes that are kept: an error can be its own. */
const MAX_DEPTH = 8

/** What was thrown, as it goes through the channel: an error with its parts, or any other value. */
export type WireThrown =
  | {
      readonly kind: 'error'
      readonly name: string
      readonly message: string
      readonly stack?: string | undefined
      readonly cause?: WireThrown | undefined
      /** Whatever else the error carries, `code` for one. */
      readonly fields: Readonly<Record<string, unknown>>
    }
  | { readonly kind: 'value'; readonly value?: unknown }

export const wireThrown: z.ZodType<WireThrown, WireThrown> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('error'),
      name: z.string(),
      message: z.string(),
      stack: z.string().optional(),
      cause: wireThrown.optional(),
      fields: z.record(z.string(), z.unknown()),
    }),
    z.object({ kind: z.literal('value'), value: z.unknown() }),
  ]),
)

/** Errors of these classes are their instances on both sides: the language's, and this package's. */
const classes: ReadonlyMap<string, { readonly prototype: object }> = new Map(
  [
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    ...Object.values(errors),
  ]
    .filter((value) => typeof value === 'function')
    .filter((Class) => Class.prototype instanceof Error)
    .map((Class) => [Class.name, Class]),
)

/** Members that every error has, and that go by themselves. */
const OWN = new Set(['name', 'message', 'stack', 'cause'])

/** Never throws: what cannot go through the channel goes as text. */
export function toWire(thrown: unknown, depth: number = MAX_DEPTH): WireThrown {
  try {
    if (!(thrown instanceof Error)) {
      return { kind: 'value', value: isSendable(thrown) ? thrown : inspect(thrown) }
    }
    const fields = Object.entries(thrown).filter(
      ([key, value]) => !OWN.has(key) && isSendable(value),
    )
    return {
      kind: 'error',
      name: textOf(thrown.name),
      message: textOf(thrown.message),
      stack: typeof thrown.stack === 'string' ? thrown.stack : undefined,
      cause:
        thrown.cause === undefined || depth === 0 ? undefined : toWire(thrown.cause, depth - 1),
      fields: Object.fromEntries(fields),
    }
  } catch {
    return { kind: 'value', value: 'a value was thrown that cannot be shown' }
  }
}

/** The error, or other value, that was thrown on the other side. */
export function fromWire(wire: WireThrown): unknown {
  if (wire.kind === 'value') return wire.value
  const { name, message, stack, cause, fields } = wire
  const error = new Error(message, cause === undefined ? undefined : { cause: fromWire(cause) })
  // Not made by the constructor, which every class may have of its own form. Of a class that is not
  // known here, one of its name stands in, for those who print it.
  const Class = classes.get(name) ?? { [name]: class extends Error {} }[name]
  if (Class !== undefined) Object.setPrototypeOf(error, Class.prototype)
  Object.assign(error, fields)
  Object.defineProperties(error, {
    name: { value: name, writable: true, configurable: true },
    stack: { value: stack, writable: true, configurable: true },
  })
  return error
}

/** Executors of anybody throw errors of any make. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value)
}

function isSendable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
