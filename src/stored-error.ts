import { inspect } from 'node:util'
import type { StoredError } from './queries/tick.ts'

/** The longest stack or cause that is stored, in characters: an error can hold a whole response. */
const MAX_TEXT = 20_000

/** Anything that was thrown, as `job_attempt` keeps it. Never throws itself. */
export function storedError(thrown: unknown): StoredError {
  try {
    if (!(thrown instanceof Error)) {
      return { name: typeof thrown, message: short(thrown) }
    }
    return {
      name: short(thrown.name),
      message: short(thrown.message === '' ? thrown.name : thrown.message),
      stack: thrown.stack === undefined ? undefined : short(thrown.stack),
      cause: thrown.cause === undefined ? undefined : short(inspect(thrown.cause)),
    }
  } catch {
    return { name: 'unknown', message: 'a value was thrown that cannot be shown' }
  }
}

/** What an error calls its name, message and stack is text by convention alone. */
function short(value: unknown): string {
  const text = typeof value === 'string' ? value : inspect(value)
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
