import { jsonText } from './database.ts'
import { PayloadError } from './errors.ts'
import type { Executor, Progress } from './executor.ts'
import { faultsOf, type StandardResult } from './standard-schema.ts'

type Fields = Readonly<Record<string, unknown>>

/** A payload as the executor's schema gives it out. */
export interface CheckedPayload {
  readonly value: unknown
}

/** A job's payload as the executor's schema gives it out; some take their time. Throws a PayloadError. */
export function checkedPayload(
  executor: Executor,
  payload: unknown,
): CheckedPayload | Promise<CheckedPayload> {
  const result = executor.payload?.['~standard'].validate(payload)
  if (result === undefined) return { value: payload }
  return result instanceof Promise ? result.then(takenOut) : takenOut(result)
}

function takenOut(result: StandardResult<unknown>): CheckedPayload {
  if (result.issues === undefined) return result
  throw new PayloadError('payload_invalid', `payload ${faultsOf(result.issues)}`)
}

/** Columns of a facet as the executor's shape gives them out, or what is wrong with them. */
export function checkedFields(
  executor: Executor,
  name: string,
  fields: Fields,
): Fields | PayloadError {
  const parsed = executor.facets?.[name]?.partial().safeParse(fields)
  if (parsed === undefined) return fields
  if (parsed.success) return parsed.data
  return new PayloadError('facet_invalid', `facet "${name}": ${faultsOf(parsed.error.issues)}`)
}

/** What an executor gave to `progress`. Throws a RangeError. */
export function checkedProgress(update: number | Progress): Progress {
  const progress = typeof update === 'number' ? { fraction: update } : update
  const { fraction } = progress
  if (fraction !== undefined && !(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(`progress ${fraction} is not between 0 and 1`)
  }
  return progress
}

/** What an executor returned, as JSON text; nothing for undefined. Throws where JSON cannot hold it. */
export function resultText(value: unknown): string | undefined {
  return value === undefined ? undefined : jsonText(value)
}
