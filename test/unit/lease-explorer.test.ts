// Every order in which the messages of two workers and one job can happen, with answers that are lost, workers
// that die, and workers that are taken for dead and live. What each step stands for:
//
// | step | of the code |
// | --- | --- |
// | send, answer | Dispatcher#tick: outcomes, and a claim under a lease drawn for it |
// | enter | claim.sql as far as is_at_work, which locks nothing |
// | commit | tick.sql: settle or finish_plain, then hand_over and the receipt |
// | lose | the connection breaks: the tick may happen yet, or have happened, or never will (vanish) |
// | adopt | Dispatcher#adopt, adopt.sql: the receipt as a fence |
// | end | an executor has ended: Completer sends its outcome, and again until it is answered |
// | beat | Heartbeat: lives again, lets go of what it holds no more (check_held.sql), drops receipts |
// | rescue | Rescuer, rescue.sql: of a dead worker; of a living one it is a fault; of a lost one again while it
// |        | leaves receipts behind (orphans of beat.sql) |
import { expect, test } from 'vitest'

type Ended = { readonly lease: number; readonly as: 'completed' | 'failed' }

interface Tick {
  readonly worker: number
  readonly lease: number
  readonly ended: Ended | null
  /** What is_at_work has said; null before. */
  readonly atWork: boolean | null
}

interface Worker {
  alive: boolean
  lost: boolean
  /** The leases of its executors. */
  running: number[]
  ended: Ended | null
  /** The lease of the tick whose answer it waits for. */
  awaits: number
  answer: { readonly claimed: boolean; readonly tookEnded: boolean } | null
  /** The lease of a tick whose answer was lost. */
  asks: number
}

interface State {
  status: 'new' | 'started' | 'done'
  /** 0 is none, as elsewhere. */
  lease: number
  completions: number
  receipts: { readonly lease: number; readonly worker: number; readonly isFence: boolean }[]
  /** On their way, or in the server. */
  ticks: Tick[]
  workers: Worker[]
  faults: number
}

const RULES = {
  finishComparesLease: true,
  finishWantsStarted: true,
  claimWritesReceipt: true,
  workerAdopts: true,
  adoptWritesReceipt: true,
  adoptTakesOnlyTheLostTick: true,
  lostAreWatched: true,
  fencesStay: true,
}

type Rules = typeof RULES

function initial(): State {
  const worker = {
    alive: true,
    lost: false,
    running: [],
    ended: null,
    awaits: 0,
    answer: null,
    asks: 0,
  }
  const workers = [structuredClone(worker), structuredClone(worker)]
  return { status: 'new', lease: 0, completions: 0, receipts: [], ticks: [], workers, faults: 0 }
}

interface Step {
  readonly name: string
  readonly isFault: boolean
  readonly after: State
}

function copyOf(state: State): State {
  const workers = state.workers.map((worker) => ({ ...worker, running: [...worker.running] }))
  return { ...state, receipts: [...state.receipts], ticks: [...state.ticks], workers }
}

/** Everything that may happen next. */
function steps(state: State, rules: Rules, faults: number): Step[] {
  const found: Step[] = []
  const may = (name: string, change: (next: State) => void, isFault = false): void => {
    if (isFault && state.faults === faults) return
    const after = copyOf(state)
    if (isFault) after.faults += 1
    change(after)
    found.push({ name, isFault, after: normal(after) })
  }
  for (const [index, tick] of state.ticks.entries()) {
    if (tick.atWork === null) {
      may('enter', (next) => {
        next.ticks[index] = { ...tick, atWork: state.workers[tick.worker]?.lost === false }
      })
    } else may('commit', (next) => commit(next, next.ticks.splice(index, 1), rules))
    if (state.workers[tick.worker]?.awaits !== tick.lease) {
      may('vanish', (next) => next.ticks.splice(index, 1))
    }
  }
  for (const [id, worker] of state.workers.entries()) {
    const act = (
      name: string,
      change: (worker: Worker, next: State) => void,
      isFault = false,
    ): void =>
      may(
        `${name} ${id}`,
        (next) => next.workers.slice(id, id + 1).map((own) => change(own, next)),
        isFault,
      )
    const isOther = state.workers.some((other) => other.alive && other !== worker)
    const leavesJobs = state.receipts.some(({ worker, isFence }) => worker === id && !isFence)
    if (
      isOther &&
      (!worker.alive || worker.lost) &&
      (worker.lost ? leavesJobs && rules.lostAreWatched : true)
    ) {
      act('rescue', (_, next) => rescue(next, id, rules))
    }
    if (!worker.alive) continue
    if (isOther) {
      act('rescue living', (_, next) => rescue(next, id, rules), true)
      act(
        'die',
        (own) => Object.assign(own, { ...initial().workers[0], alive: false, lost: own.lost }),
        true,
      )
    }
    if (worker.lost || state.receipts.some((receipt) => receipt.worker === id && receipt.isFence)) {
      act('beat', (own, next) => {
        if (own.lost) own.running = own.running.filter((lease) => isHeld(state, lease))
        own.lost = false
        if (!rules.fencesStay) next.receipts = next.receipts.filter(({ isFence }) => !isFence)
      })
    }
    if (worker.ended === null) {
      for (const as of ['completed', 'failed'] as const) {
        for (const lease of worker.running.slice(0, 1)) {
          act(`end ${as}`, (own) => {
            own.running = own.running.slice(1)
            own.ended = { lease, as }
          })
        }
      }
    }
    if (worker.asks > 0) act('adopt', (own, next) => adopt(next, id, own, rules))
    else if (worker.awaits === 0 && (worker.ended !== null || state.status === 'new')) {
      act('send', (own, next) => {
        own.awaits = FRESH
        next.ticks.push({ worker: id, lease: FRESH, ended: own.ended, atWork: null })
      })
    } else if (worker.awaits > 0) {
      if (worker.answer !== null) act('answer', (own) => take(own))
      act(
        'lose',
        (own) => {
          own.asks = rules.workerAdopts ? own.awaits : 0
          own.awaits = 0
          own.answer = null
        },
        true,
      )
    }
  }
  return found
}

/** Of a lease that nobody has drawn before: see normal(). */
const FRESH = 1_000

function isHeld(state: State, lease: number): boolean {
  return state.status === 'started' && state.lease === lease
}

function commit(next: State, [tick]: readonly Tick[], rules: Rules): void {
  if (tick === undefined) return
  const { worker, lease, ended, atWork } = tick
  const claims = (status: State['status']): boolean => atWork === true && status === 'new'
  const isOwn =
    ended !== null &&
    (ended.lease === next.lease || !rules.finishComparesLease) &&
    (next.status === 'started' || (!rules.finishWantsStarted && next.status === 'done'))
  const status = !isOwn ? next.status : ended.as === 'failed' ? 'new' : 'done'
  const claimed = claims(status)
  // The key of the receipt undoes the whole tick.
  if (claimed && next.receipts.some((receipt) => receipt.lease === lease)) return
  if (isOwn) {
    if (status === 'done') next.completions += 1
    else next.lease = 0
  }
  next.status = claimed ? 'started' : status
  if (claimed) next.lease = lease
  if (claimed && rules.claimWritesReceipt) next.receipts.push({ lease, worker, isFence: false })
  const own = next.workers[worker]
  if (own?.awaits === lease) own.answer = { claimed, tookEnded: ended !== null }
}

function take(own: Worker): void {
  if (own.answer?.claimed === true) own.running.push(own.awaits)
  // Written or refused. What has ended since the tick was sent goes with the next.
  if (own.answer?.tookEnded === true) own.ended = null
  own.awaits = 0
  own.answer = null
}

function adopt(next: State, id: number, own: Worker, rules: Rules): void {
  const isMissing = next.receipts.every((receipt) => receipt.lease !== own.asks)
  if (isMissing && rules.adoptWritesReceipt)
    next.receipts.push({ lease: own.asks, worker: id, isFence: true })
  for (const { lease, worker } of next.receipts) {
    const isMeant = lease === own.asks || !rules.adoptTakesOnlyTheLostTick
    if (isMeant && worker === id && isHeld(next, lease)) own.running.push(lease)
  }
  own.asks = 0
}

function rescue(next: State, id: number, rules: Rules): void {
  for (const { worker, lease } of next.receipts) {
    if (worker === id && isHeld(next, lease)) {
      next.status = 'new'
      next.lease = 0
    }
  }
  next.receipts = next.receipts.filter(
    ({ worker, isFence }) => worker !== id || (isFence && rules.fencesStay),
  )
  next.workers.slice(id, id + 1).forEach((own) => (own.lost = true))
}

/** The same state by one name: leases numbered as they stand there, and no receipts that say nothing. */
function normal(state: State): State {
  const receipts = state.receipts.filter(
    ({ lease }) =>
      isHeld(state, lease) ||
      state.ticks.some((tick) => tick.lease === lease) ||
      state.workers.some((worker) => worker.asks === lease),
  )
  const names = new Map([[0, 0]])
  const text = JSON.stringify({ ...state, receipts }, (key, value: unknown) => {
    const isLease = key === 'lease' || key === 'awaits' || key === 'asks'
    if (isLease && typeof value === 'number') return nameOf(names, value)
    return key === 'running' ? [value].flat().map((lease) => nameOf(names, Number(lease))) : value
  })
  return JSON.parse(text) as State
}

function nameOf(names: Map<number, number>, lease: number): number {
  const name = names.get(lease) ?? names.size
  names.set(lease, name)
  return name
}

/** What is wrong with a state by itself. */
function wrong(state: State): string | undefined {
  const runs = state.workers
    .flatMap(({ running }) => running)
    .filter((lease) => lease === state.lease)
  if (state.completions > 1) return 'completed twice'
  if (state.status === 'started' && runs.length > 1) return 'two executors under one valid lease'
  if (state.status === 'done' && runs.length > 0) return 'finished by another than its holder'
  return undefined
}

/** Visits every state with up to so many faults. A job is stuck where no steps but faults lead to its end. */
function explore(
  rules: Rules,
  faults: number,
): { readonly states: number; readonly violations: Set<string> } {
  const first = JSON.stringify(normal(initial()))
  const before = new Map<string, string[]>([[first, []]])
  const ends: string[] = []
  const violations = new Set<string>()
  for (const key of before.keys()) {
    const state = JSON.parse(key) as State
    const violation = wrong(state)
    if (violation !== undefined) violations.add(violation)
    if (state.status === 'done') ends.push(key)
    for (const { isFault, after } of steps(state, rules, faults)) {
      const next = JSON.stringify(after)
      const known = before.get(next) ?? []
      if (!isFault) known.push(key)
      before.set(next, known)
    }
  }
  const ending = new Set(ends)
  for (const key of ending) for (const earlier of before.get(key) ?? []) ending.add(earlier)
  if (ending.size < before.size) violations.add('stuck')
  return { states: before.size, violations }
}

test('whatever is lost and whoever dies, a job runs under one lease at a time and ends once', () => {
  const { states, violations } = explore(RULES, 2)
  expect([...violations]).toEqual([])
  expect(states).toBeGreaterThan(10_000)
})

test.each([
  ['finishComparesLease', 'finished by another than its holder'],
  ['finishWantsStarted', 'completed twice'],
  ['claimWritesReceipt', 'stuck'],
  ['workerAdopts', 'stuck'],
  ['adoptWritesReceipt', 'stuck'],
  ['adoptTakesOnlyTheLostTick', 'finished by another than its holder'],
  ['lostAreWatched', 'stuck'],
  ['fencesStay', 'stuck'],
] as const)('without the rule %s it finds: %s', (rule, violation) => {
  expect([...explore({ ...RULES, [rule]: false }, 1).violations]).toContain(violation)
})
