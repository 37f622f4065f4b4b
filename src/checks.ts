import { jsonText } from './database.ts'
import { PayloadError } from './errors.ts'
import { type Executor, faults, type Progress } from './executor.ts'

type Fields = Readonly<Record<string, unknown>>

/** A job's payload as the executor's schema gives it out. Throws a PayloadError. */
export function checkedPayload(executor: Executor, payload: unknown): unknown {
  const parsed = executor.payload?.safeParse(payload)
  if (parsed === undefined) return payload
  if (parsed.success) return parsed.data
  throw new PayloadError('payload_invalid', `payload ${faults(parsed.error)}`, {
    cause: parsed.error,
  })
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
  return new PayloadError('facet_invalid', `facet "${name}": ${faults(parsed.error)}`)
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
