import { type Bench, tell } from './bench.ts'
import { type FigureName, type Figures, formatFigure } from './figures.ts'
import type { Measured, Scenario } from './scenario.ts'

/** An invocation has an end, however slow the machine is: what is missing then is told of. */
const BUDGET_MS = 38 * 60_000

/** Longer than any run takes; the longest is the soak. */
const RUN_MS = 35 * 60_000

/** What a person wants to see at once; the table has the rest. */
const HEADLINES: readonly FigureName[] = [
  'jobsPerSecond',
  'rowsPerSecond',
  'startP50Ms',
  'startP99Ms',
  'efficiency',
  'serverCpuMsPerMinute',
]

/** One run of one cell by one contender. */
export interface Run extends Measured {
  readonly cell: string
  readonly contender: string
  readonly round: number
}

export interface Rounds {
  readonly runs: readonly Run[]
  /** What went wrong or was left out, one line each. */
  readonly faults: readonly string[]
}

/**
 * Measures each cell once per round and contender, contender beside contender, so that a machine that
 * is busy for a while is busy for all of them. Each round begins with another contender.
 */
export async function measureRounds(bench: Bench, scenario: Scenario): Promise<Rounds> {
  const deadline = performance.now() + BUDGET_MS
  const cells = scenario.cells(bench).filter(({ name }) => name.includes(bench.options.cells))
  const { quick, long } = bench.options
  const rounds = bench.options.rounds ?? (quick ? 2 : long ? 1 : scenario.rounds)
  const runs: Run[] = []
  const faults: string[] = []
  for (let round = 1; round <= rounds; round += 1) {
    for (const cell of cells) {
      const contenders = bench.contenders.filter((contender) => cell.isFor?.(contender) ?? true)
      for (const contender of rotate(contenders, round - 1)) {
        const what = `round ${round}/${rounds}, ${cell.name}, ${contender.label}`
        if (performance.now() > deadline) {
          faults.push(`${what}: left out, the time was up`)
          continue
        }
        try {
          const measured = await within(cell.measure(contender))
          runs.push({ cell: cell.name, contender: contender.label, round, ...measured })
          tell(`${what}: ${headline(measured.figures)}`)
        } catch (error) {
          faults.push(`${what}: ${reasonOf(error)}`)
          tell(faults.at(-1) ?? what)
          // It may go on, and would disturb the others.
          if (error instanceof HangingError) return { runs, faults }
        }
      }
    }
  }
  return { runs, faults }
}

/** What went wrong, without what went wrong because of that. */
export function reasonOf(error: unknown): string {
  if (error instanceof SuppressedError) return reasonOf(error.suppressed)
  return error instanceof Error ? error.message : String(error)
}

/** A run has not ended in time. */
class HangingError extends Error {}

async function within<T>(measuring: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const hangs = (): void => reject(new HangingError(`no end after ${RUN_MS / 60_000} minutes`))
  const timer = setTimeout(hangs, RUN_MS)
  try {
    return await Promise.race([measuring, promise])
  } finally {
    clearTimeout(timer)
  }
}

function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const first = items.length === 0 ? 0 : by % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

function headline(figures: Figures): string {
  return HEADLINES.flatMap((name) => {
    const value = figures[name]
    return value === undefined ? [] : [`${name} ${formatFigure(name, value)}`]
  }).join(', ')
}
