import { InvalidArgumentError, Option } from 'commander'
import type { Id } from '../database.ts'

/** The largest bigint, which no id exceeds. */
const MAX_ID = 2n ** 63n - 1n

/** Reads a whole number between two limits. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** Reads a duration; commands name its unit. */
export function duration(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value
  throw new InvalidArgumentError('It must be a number, 0 or more.')
}

/** Reads a job's id, which may be too large for a JavaScript number. */
export function jobId(text: string): Id {
  if (/^\d+$/.test(text) && BigInt(text) <= MAX_ID) return text
  throw new InvalidArgumentError('A job id is a whole number.')
}

/** Reads an argument or option that may be repeated, each as `read` does. */
export function repeated<T>(read: (text: string) => T) {
  return (text: string, earlier: readonly T[] | undefined): T[] => [...(earlier ?? []), read(text)]
}

/** The option of every command that prints a table. */
export function jsonOption(what: string): Option {
  return new Option('--json', `print ${what} as JSON`)
}
