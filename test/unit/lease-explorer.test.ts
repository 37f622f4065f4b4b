import { expect, test } from 'vitest'
import {
  type Bounds,
  initial,
  normal,
  RULES,
  type Rules,
  type State,
  steps,
  wrong,
} from './lease-model.ts'

const SMALLEST: Bounds = { faults: 1, ticks: 1, queues: false }
const QUEUES: Bounds = { faults: 1, ticks: 1, queues: true }
const TWO_TICKS: Bounds = { faults: 1, ticks: 2, queues: true }
const TWO_FAULTS: Bounds = { faults: 2, ticks: 1, queues: false }

const TIMEOUT_MS = 120_000

/** Visits every state. A job is stuck where no steps but faults lead to its end. */
function explore(
  rules: Rules,
  bounds: Bounds,
): { readonly states: number; readonly violations: Set<string> } {
  const before = new Map<string, string[]>([[normal(initial()), []]])
  const ending = new Set<string>()
  const violations = new Set<string>()
  for (const key of before.keys()) {
    const state = JSON.parse(key) as State
    const violation = wrong(state)
    if (violation !== undefined) violations.add(violation)
    if (violation !== undefined || state.status === 'done') ending.add(key)
    if (violation !== undefined) continue
    for (const { isFault, after } of steps(state, rules, bounds)) {
      const known = before.get(after) ?? []
      if (!isFault) known.push(key)
      before.set(after, known)
    }
  }
  for (const key of ending) for (const earlier of before.get(key) ?? []) ending.add(earlier)
  if (ending.size < before.size) violations.add('stuck')
  return { states: before.size, violations }
}

test.each([
  ['two ticks at once', TWO_TICKS],
  ['two faults', TWO_FAULTS],
])(
  'whatever is lost and whoever dies, a job runs under one lease at a time and ends once: %s',
  (_, bounds) => {
    const { states, violations } = explore(RULES, bounds)
    expect([...violations]).toEqual([])
    expect(states).toBeGreaterThan(20_000)
  },
  TIMEOUT_MS,
)

const UNHEARD = 'runs what it has lost, and will not hear of it'

test.each([
  ['finishComparesLease', SMALLEST, 'finished by another than its holder'],
  ['finishWantsStarted', SMALLEST, 'completed twice'],
  ['claimWritesReceipt', SMALLEST, 'stuck'],
  ['workerAdopts', SMALLEST, 'stuck'],
  ['adoptWritesReceipt', SMALLEST, 'stuck'],
  ['adoptWritesReceiptBesideAnother', TWO_TICKS, 'stuck'],
  ['adoptTakesOnlyTheLostTick', QUEUES, 'two executors under one valid lease'],
  ['adoptTakesBegun', QUEUES, 'stuck'],
  ['beginsAwaitAdoption', TWO_TICKS, 'two executors under one valid lease'],
  ['beatKeepsWhatBegins', QUEUES, 'stuck'],
  ['beatKeepsUnwritten', SMALLEST, 'stuck'],
  ['ticksAreDoubted', SMALLEST, UNHEARD],
  ['adoptionsAreDoubted', TWO_FAULTS, UNHEARD],
  ['lostBeatsAreDoubted', TWO_FAULTS, UNHEARD],
  ['lostAreWatched', SMALLEST, 'stuck'],
  ['fencesStay', SMALLEST, 'stuck'],
] as const)(
  'without the rule %s it finds with %o: %s',
  (rule, bounds, violation) => {
    expect([...explore({ ...RULES, [rule]: false }, bounds).violations]).toContain(violation)
  },
  TIMEOUT_MS,
)
