/** What can be measured, with the column's head and how many decimals a person wants to see. */
export const FIGURES = {
  minute: ['minute', 0],
  jobs: ['jobs', 0],
  seconds: ['s', 2],
  jobsPerSecond: ['jobs/s', 0],
  rowsPerSecond: ['rows/s', 0],
  insertedPerSecond: ['inserted/s', 0],
  efficiency: ['of the ideal', 3],
  offeredPerSecond: ['offered/s', 0],
  samples: ['samples', 0],
  startP50Ms: ['start p50 ms', 2],
  startP99Ms: ['start p99 ms', 2],
  startP999Ms: ['start p99.9 ms', 2],
  doneP50Ms: ['done p50 ms', 2],
  doneP99Ms: ['done p99 ms', 2],
  doneP999Ms: ['done p99.9 ms', 2],
  signalP50Ms: ['signal p50 ms', 2],
  signalP99Ms: ['signal p99 ms', 2],
  signalMaxMs: ['signal max ms', 2],
  sendLateP99Ms: ['sender late p99 ms', 2],
  walBytesPerJob: ['WAL B/job', 0],
  fpiBytesPerJob: ['page images B/job', 0],
  fpiPerJob: ['page images/job', 4],
  commitsPerJob: ['commits/job', 4],
  hotShare: ['HOT', 3],
  serverCpuUsPerJob: ['server µs/job', 1],
  nodeCpuUsPerJob: ['Node µs/job', 1],
  rssMb: ['RSS MB', 0],
  rssPeakMb: ['RSS peak MB', 0],
  scansPerSecond: ['scans/s', 1],
  countsP50Ms: ['job_counts p50 ms', 2],
  countsP99Ms: ['p99 ms', 2],
  countsRestMs: ['at rest p50 ms', 2],
  scanMs: ['count(*) ms', 0],
  whyWaitingMs: ['why_waiting ms', 2],
  commitsPerMinute: ['commits/min', 1],
  queriesPerMinute: ['queries/min', 1],
  serverCpuMsPerMinute: ['server CPU ms/min', 0],
  nodeCpuMsPerMinute: ['Node CPU ms/min', 0],
  afterJobsPerSecond: ['jobs/s after', 0],
  deadTuples: ['dead tuples', 0],
  tableMb: ['table MB', 0],
  walDrift: ['WAL/job, drift', 3],
  serverCpuDrift: ['server µs/job, drift', 3],
  nodeCpuDrift: ['Node µs/job, drift', 3],
  rssDrift: ['RSS, drift', 3],
  tableDrift: ['table, drift', 3],
} as const satisfies Record<string, readonly [head: string, decimals: number]>

export type FigureName = keyof typeof FIGURES

/** What one run has yielded; what could not be measured is left out. */
export type Figures = { readonly [N in FigureName]?: number | undefined }

/** One figure over several runs. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The names of the figures that any of the runs has, in their order here. */
export function namesIn(runs: readonly Figures[]): FigureName[] {
  const isName = (name: string): name is FigureName => name in FIGURES
  return Object.keys(FIGURES)
    .filter(isName)
    .filter((name) => runs.some((run) => run[name] !== undefined))
}

/** Undefined if no run has the figure. */
export function spreadOf(runs: readonly Figures[], name: FigureName): Spread | undefined {
  const values = runs
    .map((run) => run[name])
    .filter((value) => value !== undefined)
    .toSorted((a, b) => a - b)
  const min = values[0]
  const max = values.at(-1)
  return min === undefined || max === undefined
    ? undefined
    : { median: quantile(values, 0.5), min, max }
}

/** A quantile of sorted values, interpolated between neighbours. NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

/** A number of things, for the names of cells. */
export function formatCount(count: number): string {
  return count.toLocaleString('en')
}

/** A figure as people read it. */
export function formatFigure(name: FigureName, value: number): string {
  const [, decimals] = FIGURES[name]
  // Half a job a second is not 1, and not 0 either.
  const digits = decimals === 0 && value < 10 && !Number.isInteger(value) ? 2 : decimals
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}
