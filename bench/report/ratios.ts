import { FIGURES, type FigureName, formatFigure, spreadOf } from '../lib/figures.ts'
import { type Result, roundsOf, treesOf } from '../lib/results.ts'

/** One figure of a contender in a cell. */
interface Point {
  readonly cell: string
  readonly contender: string
}

/** Two points of one scenario, which were measured in one invocation. */
interface Comparison {
  readonly what: string
  readonly scenario: string
  readonly figure: FigureName
  readonly ours: Point
  readonly theirs: Point
}

const JOBTABLE = 'jobtable:default'
const FASTEST_PEER = 'graphile-worker:fastest'

/** jobtable against another in the same cell. */
function against(
  what: string,
  scenario: string,
  cell: string,
  contender: string,
  figure: FigureName = 'jobsPerSecond',
): Comparison {
  return {
    what,
    scenario,
    figure,
    ours: { cell, contender: JOBTABLE },
    theirs: { cell, contender },
  }
}

/** jobtable in one cell against itself in another. */
function within(what: string, scenario: string, cell: string, other: string): Comparison {
  return {
    what,
    scenario,
    figure: 'jobsPerSecond',
    ours: { cell, contender: JOBTABLE },
    theirs: { cell: other, contender: JOBTABLE },
  }
}

const DRAIN = '200,000 jobs, 1 worker'
const LONG_DRAIN = '1,000,000 jobs, 1 worker'
const BUSY = '32 clients, a busy worker'
const BULK = '1,000,000 rows, one INSERT … SELECT'

const COMPARISONS: readonly Comparison[] = [
  against('drain of 200,000', 'drain', DRAIN, FASTEST_PEER),
  against('drain of 1,000,000', 'drain', LONG_DRAIN, FASTEST_PEER),
  against('drain of 200,000', 'drain', DRAIN, 'pg-boss:fastest'),
  against('drain of 200,000', 'drain', DRAIN, 'pg-boss:bare'),
  against('drain of 200,000', 'drain', DRAIN, 'bullmq:fastest'),
  against('drain of 200,000', 'drain', DRAIN, 'floor:sql'),
  against('16 clients insert, a worker runs', 'sustained', '16 clients, 60 s', FASTEST_PEER),
  against('one at a time', 'latency', 'one at a time', FASTEST_PEER, 'startP50Ms'),
  against('one at a time', 'latency', 'one at a time', FASTEST_PEER, 'startP99Ms'),
  within('10,000,000 waiting', 'backlog', '10,000,000 waiting', '1,000,000 waiting'),
  within('10,000,000 waiting', 'backlog', '10,000,000 waiting', '10,000 waiting'),
  within('10,000,000 scheduled', 'future', '10,000,000 scheduled', '0 scheduled'),
  within('beside an old transaction', 'pinned', 'an old transaction', 'none'),
  against('32 clients insert, a worker is busy', 'enqueue', BUSY, 'floor:sql', 'rowsPerSecond'),
  against('one INSERT of 1,000,000', 'enqueue', BULK, 'floor:sql', 'rowsPerSecond'),
  against(
    '… of payloads with a schema',
    'guarded',
    `${BULK}, a schema`,
    'floor:sql',
    'rowsPerSecond',
  ),
  against(
    '32 clients insert such payloads',
    'guarded',
    '32 clients, a schema',
    'floor:sql',
    'rowsPerSecond',
  ),
  within(
    'owners kept apart',
    'owners',
    '500,000 jobs, 1 worker, kept apart',
    '500,000 jobs, 1 worker, all together',
  ),
]

/**
 * How jobtable compares, one line each, by the newest run that has both sides; what has not been measured
 * is left out.
 */
export function ratiosOf(results: readonly Result[]): string {
  const lines = COMPARISONS.flatMap(({ what, scenario, figure, ours, theirs }) => {
    const pair = results
      .filter((result) => result.scenario === scenario)
      .toReversed()
      .flatMap((result) => {
        const own = medianAt(result, ours, figure)
        const other = medianAt(result, theirs, figure)
        return own === undefined || other === undefined ? [] : [{ result, own, other }]
      })[0]
    if (pair === undefined) return []
    const { result, own, other } = pair
    const opponent = theirs.cell === ours.cell ? theirs.contender : theirs.cell
    const line = [
      what,
      FIGURES[figure][0],
      formatFigure(figure, own),
      opponent,
      formatFigure(figure, other),
      (own / other).toFixed(2),
      String(roundsOf(result)),
      treesOf(result),
    ]
    return [`| ${line.join(' | ')} |`]
  })
  return [
    '| what | figure | jobtable | against | | ratio | rounds | commit |',
    '| --- | --- | --: | --- | --: | --: | --: | --- |',
    ...lines,
  ].join('\n')
}

function medianAt(result: Result, point: Point, figure: FigureName): number | undefined {
  const runs = result.runs.filter(
    ({ cell, contender }) => cell === point.cell && contender === point.contender,
  )
  return spreadOf(
    runs.map(({ figures }) => figures),
    figure,
  )?.median
}
