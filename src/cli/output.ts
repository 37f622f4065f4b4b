import { stripVTControlCharacters, styleText } from 'node:util'

/** What one can be told to look like; see util.styleText. */
type Style = Parameters<typeof styleText>[0]

/** One column of a table for people. */
export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string
  readonly align?: 'left' | 'right'
  readonly style?: (row: Row) => Style | undefined
}

/** Data goes to standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Messages go to standard error. */
export function note(line: string): void {
  process.stderr.write(`${withoutSecrets(line)}\n`)
}

/** One JSON value, as one line. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

/** Text in a style if the stream is a terminal and NO_COLOR is not set. */
export function paint(
  style: Style,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(style, text, { stream })
}

/** A table with aligned columns; on a terminal no line is wider than it. */
export function printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
  for (const line of tableLines(columns, rows)) print(cut(line))
}

/** A table with aligned columns, however wide. */
export function printWholeTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
  for (const line of tableLines(columns, rows)) print(line)
}

function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))))
  const widths = columns.map((column, i) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[i] ?? ''))),
  )
  const head = columns.map((column, i) => pad(column.title, widths[i], column.align))
  const body = cells.map((line, r) =>
    columns.map((column, i) => {
      const text = pad(line[i] ?? '', widths[i], column.align)
      const row = rows[r]
      const style = row === undefined ? undefined : column.style?.(row)
      return style === undefined ? text : paint(style, text)
    }),
  )
  return [
    paint('bold', head.join('  ').trimEnd()),
    ...body.map((line) => line.join('  ').trimEnd()),
  ]
}

/** `name  value` lines, the names aligned. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const longest = Math.max(...fields.map(([name]) => width(name)))
  for (const [name, value] of fields) {
    const [first = '', ...rest] = value.split('\n').map(harmless)
    print(`${paint('dim', pad(name, longest))}  ${first}`)
    for (const line of rest) print(`${' '.repeat(longest)}  ${line}`)
  }
}

/** Text from a database can hold control characters; a terminal must not obey them. */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (c) =>
    c === '\t' ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

export function oneLine(text: string): string {
  return harmless(text.replaceAll(/\r?\n/g, '↵').replaceAll('\t', ' '))
}

/** Passwords in connection strings become `***`, wherever an error's text has got them from. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/\b(postgres(?:ql)?:\/\/[^\s:/@]*):[^\s@]+@/g, '$1:***@')
    .replaceAll(/\b(password=)[^\s&'"]+/gi, '$1***')
}

/** A reader that has seen enough, such as `head`, is not a failure. */
export function handleBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
  }
}

/** Columns that a character takes: two for those of East Asia and for emoji. */
export function width(text: string): number {
  let columns = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    columns += WIDE.test(segment) ? 2 : 1
  }
  return columns
}

const graphemes = new Intl.Segmenter()

const WIDE =
  /\p{Emoji_Presentation}|\p{scx=Han}|\p{scx=Hiragana}|\p{scx=Katakana}|\p{scx=Hangul}|[\uFF01-\uFF60]/u

export function pad(text: string, to = 0, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, to - width(text)))
  return align === 'left' ? text + blanks : blanks + text
}

/** Cuts a line at the terminal's edge; elsewhere it is kept whole. */
export function cut(line: string, stream: NodeJS.WriteStream = process.stdout): string {
  // A terminal that does not tell its width says 0.
  if (!stream.isTTY || stream.columns === 0 || width(line) <= stream.columns) return line
  let kept = ''
  let used = 0
  // Styles take no room and are all kept, so that the last one is ended.
  for (const [index, part] of line.split(STYLE).entries()) {
    if (index % 2 === 1) {
      kept += part
      continue
    }
    for (const { segment } of graphemes.segment(part)) {
      used += width(segment)
      if (used < stream.columns) kept += segment
    }
  }
  return `${kept}…`
}

/** An escape sequence that sets a style; in brackets, so that split() keeps it. */
// oxlint-disable-next-line no-control-regex
const STYLE = /(\u001B\[[0-9;]*m)/
