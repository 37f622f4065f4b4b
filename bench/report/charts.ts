import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { FIGURES, type FigureName, type Figures, spreadOf } from '../lib/figures.ts'
import type { Result } from '../lib/results.ts'

type Panel = Extract<TopLevelSpec, { readonly concat: unknown }>['concat'][number]

/** The figure that a scenario is about, by scenario; the others are about jobs a second. */
const SUBJECT: Readonly<Record<string, FigureName>> = {
  cancel: 'signalP99Ms',
  counts: 'countsP99Ms',
  enqueue: 'rowsPerSecond',
  guarded: 'serverCpuUsPerJob',
  idle: 'serverCpuMsPerMinute',
  'long-jobs': 'efficiency',
  owners: 'serverCpuUsPerJob',
}

const PERCENTILES = [
  ['p50', 'startP50Ms'],
  ['p99', 'startP99Ms'],
  ['p99.9', 'startP999Ms'],
] as const satisfies readonly (readonly [string, FigureName])[]

const COURSES: readonly FigureName[] = [
  'jobsPerSecond',
  'walBytesPerJob',
  'serverCpuUsPerJob',
  'nodeCpuUsPerJob',
  'rssMb',
  'tableMb',
  'deadTuples',
]

/** Room for the longest label of a contender, in pixels. */
const LABEL_LIMIT = 240

const COLOR = { field: 'contender', type: 'nominal', sort: null, title: null } as const

/** The chart of a scenario's result, as SVG. */
export async function chartOf(result: Result): Promise<string> {
  const spec: TopLevelSpec = {
    title: { text: result.scenario, subtitle: result.purpose, anchor: 'start' },
    background: 'white',
    columns: 2,
    concat: panelsOf(result),
    config: { axis: { labelLimit: LABEL_LIMIT }, legend: { labelLimit: LABEL_LIMIT } },
  }
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

function panelsOf(result: Result): Panel[] {
  if (result.scenario === 'soak') return COURSES.map((name) => course(result, name))
  return [...new Set(result.runs.map(({ cell }) => cell))].map((cell) =>
    result.scenario === 'latency'
      ? percentiles(result, cell)
      : bars(result, cell, SUBJECT[result.scenario] ?? 'jobsPerSecond'),
  )
}

/** A bar for each contender, with a line from the least to the most of the rounds. */
function bars(result: Result, cell: string, name: FigureName): Panel {
  const values = contendersIn(result, cell).flatMap(({ contender, runs }) => {
    const spread = spreadOf(runs, name)
    return spread === undefined ? [] : [{ contender, ...spread }]
  })
  const y = { field: 'contender', type: 'nominal', sort: null, title: null } as const
  const x = { type: 'quantitative', title: FIGURES[name][0] } as const
  return {
    title: cell,
    width: 280,
    height: { step: 18 },
    data: { values },
    layer: [
      {
        mark: 'bar',
        encoding: { y, x: { ...x, field: 'median' }, color: { ...COLOR, legend: null } },
      },
      {
        mark: { type: 'rule', color: '#333' },
        encoding: { y, x: { ...x, field: 'min' }, x2: { field: 'max' } },
      },
    ],
  }
}

/** A line for each contender through its percentiles, time by its order of magnitude. */
function percentiles(result: Result, cell: string): Panel {
  const values = contendersIn(result, cell).flatMap(({ contender, runs }) =>
    PERCENTILES.flatMap(([percentile, name]) => {
      const spread = spreadOf(runs, name)
      return spread === undefined ? [] : [{ contender, percentile, ms: spread.median }]
    }),
  )
  return {
    title: cell,
    width: 220,
    height: 180,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'percentile', type: 'ordinal', sort: null, title: null, axis: { labelAngle: 0 } },
      y: { field: 'ms', type: 'quantitative', scale: { type: 'log' }, title: 'until start, ms' },
      color: COLOR,
    },
  }
}

/** A line for each contender over time. */
function course(result: Result, name: FigureName): Panel {
  const values = result.runs.flatMap(({ contender, series = [] }) =>
    series.map((figures) => ({ contender, minute: figures.minute, value: figures[name] })),
  )
  return {
    title: FIGURES[name][0],
    width: 280,
    height: 100,
    data: { values },
    mark: 'line',
    encoding: {
      x: { field: 'minute', type: 'quantitative' },
      y: { field: 'value', type: 'quantitative', title: null },
      color: COLOR,
    },
  }
}

function contendersIn(
  { contenders, runs }: Result,
  cell: string,
): { readonly contender: string; readonly runs: readonly Figures[] }[] {
  return contenders.map(({ label }) => ({
    contender: label,
    runs: runs
      .filter((run) => run.cell === cell && run.contender === label)
      .map(({ figures }) => figures),
  }))
}
