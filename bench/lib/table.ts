import { FIGURES, type FigureName, formatFigure, namesIn, spreadOf } from './figures.ts'
import type { Result } from './results.ts'
import type { Run } from './rounds.ts'

/** A table of text: its head and its lines. */
export interface Table {
  readonly head: readonly string[]
  readonly lines: readonly (readonly string[])[]
}

/** The figures in whose spread somebody may be interested; of the others the median says enough. */
const SPREAD: readonly FigureName[] = [
  'jobsPerSecond',
  'rowsPerSecond',
  'startP50Ms',
  'startP99Ms',
  'doneP50Ms',
  'doneP99Ms',
]

/** One line for each cell and contender: medians over the rounds, with min..max where that matters. */
export function tableOf(result: Result): Table {
  const names = namesIn(result.runs.map(({ figures }) => figures)).filter(
    (name) => name !== 'seconds',
  )
  const groups = Object.groupBy(result.runs, ({ cell, contender }) => `${cell}\n${contender}`)
  const lines = cellsAndContenders(result).flatMap(([cell, contender]) => {
    const runs = groups[`${cell}\n${contender}`]
    if (runs === undefined) return []
    return [[cell, contender, String(runs.length), ...names.map((name) => entry(runs, name))]]
  })
  return { head: ['', 'system', 'runs', ...names.map((name) => FIGURES[name][0])], lines }
}

function cellsAndContenders(result: Result): (readonly [string, string])[] {
  const cells = [...new Set(result.runs.map(({ cell }) => cell))]
  return cells.flatMap((cell) => result.contenders.map(({ label }) => [cell, label] as const))
}

function entry(runs: readonly Run[], name: FigureName): string {
  const spread = spreadOf(
    runs.map(({ figures }) => figures),
    name,
  )
  if (spread === undefined) return ''
  const median = formatFigure(name, spread.median)
  return runs.length > 1 && SPREAD.includes(name)
    ? `${median} (${formatFigure(name, spread.min)}..${formatFigure(name, spread.max)})`
    : median
}

/** The table for a terminal: columns in line, numbers to the right. */
export function printed({ head, lines }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const pad = (text: string, column: number): string =>
    column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return [head, ...lines].map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}

/** The table as markdown. */
export function markdown({ head, lines }: Table): string {
  const rule = head.map((_, column) => (column < 2 ? '---' : '--:'))
  return [head, rule, ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n')
}
