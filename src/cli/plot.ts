import type { PlotData } from '../queries/report.ts'
import { oneLine, pad, width } from './output.ts'
import { durationText, timeText } from './time.ts'

/** The most bars of a plot, so that one fits on a screen. */
const MOST_BARS = 30
/** Columns of a terminal that the longest bar takes. */
const BAR_COLUMNS = 50

/** What is drawn: how many jobs have a value, or one within a range. */
export interface Plot {
  /** Points in time are joined by a line, all else has bars. */
  readonly form: 'bars' | 'line'
  readonly bars: readonly Bar[]
}

export interface Bar {
  /** The value, or the lower end of its range. */
  readonly label: string
  readonly count: number
}

/** Numbers and durations by ranges, times by periods, all else by the most frequent values. */
export function plotOf({ kind, values }: PlotData): Plot {
  if (kind === 'text') return { form: 'bars', bars: byFrequency(values) }
  const numbers = values.map(Number).filter(Number.isFinite)
  if (numbers.length === 0) return { form: 'bars', bars: [] }
  const span = numbers.reduce((a, b) => Math.max(a, b)) - numbers.reduce((a, b) => Math.min(a, b))
  switch (kind) {
    case 'number':
      return { form: 'bars', bars: byRange(numbers, numberStep(numbers, span), numberLabel) }
    case 'duration':
      return { form: 'bars', bars: byRange(numbers, niceStep(span), secondsLabel) }
    case 'time':
      return { form: 'line', bars: byRange(numbers, period(span), timeLabel) }
  }
}

function byFrequency(values: readonly string[]): Bar[] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const bars = Array.from(counts, ([label, count]) => ({ label, count })).toSorted(
    (a, b) => b.count - a.count || (a.label < b.label ? -1 : 1),
  )
  if (bars.length <= MOST_BARS) return bars
  const rest = bars.slice(MOST_BARS - 1)
  const count = rest.reduce((sum, bar) => sum + bar.count, 0)
  return [...bars.slice(0, MOST_BARS - 1), { label: `${rest.length} others`, count }]
}

function byRange(
  numbers: readonly number[],
  step: number,
  label: (value: number) => string,
): Bar[] {
  const places = numbers.map((number) => Math.floor(number / step))
  const first = places.reduce((a, b) => Math.min(a, b))
  const last = places.reduce((a, b) => Math.max(a, b))
  const counts = Array.from({ length: last - first + 1 }, () => 0)
  for (const place of places) counts[place - first] = (counts[place - first] ?? 0) + 1
  return counts.map((count, at) => ({ label: label((first + at) * step), count }))
}

/** Between whole numbers there is nothing to count. */
function numberStep(numbers: readonly number[], span: number): number {
  return numbers.every(Number.isInteger) ? Math.max(1, niceStep(span)) : niceStep(span)
}

/** The smallest of 1, 2 and 5 times a power of ten by which a span has few enough ranges. */
function niceStep(span: number): number {
  if (span === 0) return 1
  const power = 10 ** Math.floor(Math.log10(span / (MOST_BARS - 1)))
  return [1, 2, 5, 10].map((n) => n * power).find((step) => span / step < MOST_BARS - 1) ?? span
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What people divide time into. */
const PERIODS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  12 * HOUR,
  DAY,
  7 * DAY,
  30 * DAY,
]

function period(span: number): number {
  const days = DAY * Math.ceil(span / DAY / (MOST_BARS - 1))
  return PERIODS.find((step) => span / step < MOST_BARS - 1) ?? days
}

function numberLabel(value: number): string {
  return String(Number(value.toPrecision(12)))
}

function secondsLabel(value: number): string {
  return durationText(value * SECOND)
}

function timeLabel(value: number): string {
  return timeText(new Date(value))
}

/** The lines of a plot for a terminal. */
export function plotLines({ bars }: Plot): string[] {
  const most = bars.reduce((top, { count }) => Math.max(top, count), 1)
  const labels = bars.map(({ label }) => oneLine(label))
  const widest = labels.reduce((top, label) => Math.max(top, width(label)), 0)
  return bars.map(({ count }, at) =>
    `${pad(labels[at] ?? '', widest, 'right')}  ${block((count / most) * BAR_COLUMNS)} ${count.toLocaleString('en')}`.trimEnd(),
  )
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar so many columns long, by eighths; what is not nothing can be seen. */
function block(columns: number): string {
  const eighths = columns === 0 ? 0 : Math.max(1, Math.round(columns * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}
