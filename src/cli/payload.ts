import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { UsageError } from './errors.ts'

const objectSchema = z.record(z.string(), z.unknown())

/** Reads an option whose value is a JSON object. */
export function jsonObject(text: string): Record<string, unknown> {
  const parsed = objectSchema.safeParse(parse(text))
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('It must be a JSON object.')
}

/**
 * The payload that a command's arguments make: a JSON object, `key=text` and `key:=json` in any
 * number; later ones win. Throws a UsageError that names the argument.
 */
export function payloadOf(args: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(args.flatMap((arg) => Object.entries(fieldsOf(arg))))
}

function fieldsOf(arg: string): Record<string, unknown> {
  const [, key, sign, value = ''] = /^([^{["=][^=]*?)(:?=)(.*)$/s.exec(arg) ?? []
  if (key === undefined) {
    const parsed = objectSchema.safeParse(parse(arg))
    if (parsed.success) return parsed.data
    throw new UsageError(
      `"${arg}" is neither a JSON object nor key=value`,
      `Write '{"key": "value"}', key=value, or key:=3 for JSON values.`,
    )
  }
  if (sign === '=') return { [key]: value }
  const json = parse(value)
  if (json !== undefined) return { [key]: json }
  throw new UsageError(`the value of ${key} is not JSON: ${value}`, `Write ${key}=… for text.`)
}

/** undefined if it is not JSON, which has no such value. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
