import { DatabaseError } from 'pg'
import { codeOf, JobtableError } from '../errors.ts'
import { messageOf } from './errors.ts'
import { harmless, note, oneLine, paint, width } from './output.ts'

/** A statement of the user's own that the server refused; told as psql tells it. */
export class SqlError extends JobtableError {
  override readonly name = 'SqlError'
  /** What psql would print. */
  readonly report: string

  constructor(cause: unknown, sql: string) {
    super(codeOf(cause) ?? 'sql', messageOf(cause), { cause })
    this.report = reportOf(cause, sql)
  }
}

function reportOf(error: unknown, sql: string): string {
  if (!(error instanceof DatabaseError)) return messageOf(error)
  const { severity, message, position, detail, hint, where, code } = error
  const lines = [
    `${paint('red', `${severity ?? 'ERROR'}:`, process.stderr)}  ${harmless(message)}`,
    ...(position === undefined ? [] : placeOf(sql, Number(position))),
  ]
  if (detail) lines.push(`DETAIL:  ${harmless(detail)}`)
  if (hint) lines.push(`HINT:  ${harmless(hint)}`)
  // Of a refusal by the queue it names the queue's own functions.
  if (where && !code?.startsWith('JT')) {
    lines.push(`CONTEXT:  ${where.split('\n').map(harmless).join('\n')}`)
  }
  lines.push(`SQLSTATE:  ${code}`)
  return lines.join('\n')
}

/** The line at fault, with a caret below the place. `position` counts characters from 1. */
function placeOf(sql: string, position: number): string[] {
  const before = Array.from(sql)
    .slice(0, position - 1)
    .join('')
  const number = before.split('\n').length
  const line = sql.split('\n')[number - 1] ?? ''
  const prefix = `LINE ${number}: `
  const column = width(oneLine(before.slice(before.lastIndexOf('\n') + 1)))
  return [prefix + oneLine(line), `${' '.repeat(prefix.length + column)}^`]
}

/** What the server sends beside its answers. */
interface Notice {
  readonly severity: string | undefined
  readonly message: string | undefined
  readonly detail: string | undefined
  readonly hint: string | undefined
}

export function printNotice(notice: Notice): void {
  const { severity, message, detail, hint } = notice
  note(`${severity ?? 'NOTICE'}:  ${harmless(message ?? '')}`)
  if (detail) note(`DETAIL:  ${harmless(detail)}`)
  if (hint) note(`HINT:  ${harmless(hint)}`)
}
