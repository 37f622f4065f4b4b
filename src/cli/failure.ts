import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { codeOf } from '../errors.ts'
import { messageOf, UsageError } from './errors.ts'
import { exitCodeOf } from './exit.ts'
import { withoutSecrets } from './output.ts'
import { SqlError } from './sql-error.ts'

/** Tells on standard error what went wrong, in one block, and answers the exit code. */
export function reportFailure(error: unknown): number {
  // Commander has printed its own errors by then.
  if (!(error instanceof CommanderError)) printFailure(error)
  return exitCodeOf(error)
}

/**
 * Prints an error: message, then detail, hint and code as far as there are any. The stack only where
 * JOBTABLE_DEBUG is set; never a password.
 */
export function printFailure(error: unknown): void {
  const stream = process.stderr
  if (error instanceof SqlError) {
    stream.write(`${error.report}\n`)
    return
  }
  const lines = [
    `${styleText('red', 'jobtable:', { stream })} ${messageOf(error)}`,
    ...['detail', 'hint'].flatMap((name) => {
      const text = property(error, name)
      return text === undefined ? [] : [`  ${name}: ${text.replaceAll('\n', '\n    ')}`]
    }),
  ]
  const code = codeOf(error)
  if (code !== undefined && !(error instanceof UsageError)) lines.push(`  code: ${code}`)
  if (process.env['JOBTABLE_DEBUG'] && error instanceof Error) lines.push(stacks(error))
  process.stderr.write(`${withoutSecrets(lines.join('\n'))}\n`)
}

function property(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function stacks(error: Error): string {
  const own = error.stack ?? String(error)
  return error.cause instanceof Error ? `${own}\ncaused by ${stacks(error.cause)}` : own
}
