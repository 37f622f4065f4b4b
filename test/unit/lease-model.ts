// Two workers and one job, and all that may happen to them: messages in every order, answers that are lost,
// workers that die, and workers that are taken for dead and live. What each step stands for:
//
// | step | of the code |
// | --- | --- |
// | send, answer | Dispatcher#tick, up to two at once: outcomes, what is to begin of the local queue, and a claim
// |        | under a lease drawn for it |
// | commit | tick.sql: outcomes, begin_queued, then hand_over and the receipt. is_at_work locks nothing: it may
// |        | have been asked long before |
// | lose | the connection breaks: the tick may happen yet, or have happened, or never will |
// | adopt, adopted | Intake#adopt, adopt.sql: the receipt as a fence; and its answer |
// | end, give back | Completer sends an outcome, and again until it is answered |
// | beat | Heartbeat sends which leases are closed: see Intake#closedLeases |
// | live | beat.sql: lives again, drops receipts |
// | hear | Heartbeat has the answer: after a rescue it lets go of what it holds no more (check_held.sql), and
// |        | has what ticks and adoptions bring that are on their way confirmed |
// | rescue | Rescuer, rescue.sql: of a dead worker; of a living one it is a fault; of a lost one again while it
// |        | leaves receipts behind (orphans of beat.sql) |
/** 0 is none. */
type Lease = number

type Outcome = { readonly lease: Lease; readonly as: 'completed' | 'failed' | 'returned' }

interface Tick {
  readonly lease: Lease
  readonly outcomes: readonly Outcome[]
  /** The lease of the queued job that is to begin. */
  begin: Lease
  readonly claimsAs: 'queued' | 'started'
  /** Whether its worker was not lost when it was sent: is_at_work may have been asked then. */
  readonly atWork: boolean
  stage: 'sent' | 'happened' | 'gone'
  waits: 'answer' | 'adoption' | 'nobody'
  /** What the database has answered to the adoption, on its way; null: it is to be asked. */
  adopted: { readonly lease: Lease; readonly status: State['status'] } | null
  /** What it has handed out, of its own lease and of the other. */
  claimed: boolean
  begun: boolean
  /** Its worker was lost while it, or the answer to its adoption, was on its way. */
  doubted: boolean
}

interface Worker {
  alive: boolean
  lost: boolean
  /** The leases of its executors. */
  running: Lease[]
  /** The leases of its local queue. */
  queue: Lease[]
  outcomes: Outcome[]
  ticks: Tick[]
  beat: { readonly stage: 'sent' | 'lived' | 'was lost'; readonly closed: readonly Lease[] } | null
  /** Whether the answer to a sign of life was lost. */
  unsure: boolean
}

export interface State {
  status: 'new' | 'queued' | 'started' | 'done'
  lease: Lease
  completions: number
  receipts: { readonly lease: Lease; readonly worker: number; readonly isFence: boolean }[]
  workers: Worker[]
  faults: number
}

export const RULES = {
  finishComparesLease: true,
  finishWantsStarted: true,
  claimWritesReceipt: true,
  workerAdopts: true,
  adoptWritesReceipt: true,
  adoptWritesReceiptBesideAnother: true,
  adoptTakesOnlyTheLostTick: true,
  adoptTakesBegun: true,
  beginsAwaitAdoption: true,
  beatKeepsWhatBegins: true,
  beatKeepsUnwritten: true,
  ticksAreDoubted: true,
  adoptionsAreDoubted: true,
  lostBeatsAreDoubted: true,
  lostAreWatched: true,
  fencesStay: true,
}

export type Rules = typeof RULES

export interface Bounds {
  readonly faults: number
  /** Of one worker, at once. */
  readonly ticks: number
  /** Whether there are local queues. */
  readonly queues: boolean
}

/** Of a lease that nobody has drawn before: see normal(). */
const FRESH = 1_000

function worker(alive: boolean, lost: boolean): Worker {
  const nothing = { running: [], queue: [], outcomes: [], ticks: [], beat: null, unsure: false }
  return { alive, lost, ...nothing }
}

export function initial(): State {
  const workers = [worker(true, false), worker(true, false)]
  return { status: 'new', lease: 0, completions: 0, receipts: [], workers, faults: 0 }
}

function isHeld({ status, lease: holder }: State, lease: Lease): boolean {
  return (status === 'queued' || status === 'started') && holder === lease
}

interface Step {
  readonly isFault: boolean
  /** As text: see normal(). */
  readonly after: string
}

/** Everything that may happen next. */
export function steps(state: State, rules: Rules, bounds: Bounds): Step[] {
  const found: Step[] = []
  const may = (change: (next: State) => void, isFault = false): void => {
    if (isFault && state.faults === bounds.faults) return
    const next = copyOf(state)
    if (isFault) next.faults += 1
    change(next)
    found.push({ isFault, after: normal(next) })
  }
  for (const [
    id,
    { alive, lost, running, queue, outcomes, ticks, beat, unsure },
  ] of state.workers.entries()) {
    const act = (change: (own: Worker, next: State) => void, isFault = false): void =>
      may((next) => change(at(next.workers, id), next), isFault)
    for (const [n, { stage, waits, adopted }] of ticks.entries()) {
      const step = (
        change: (tick: Tick, own: Worker, next: State) => void,
        isFault = false,
      ): void => act((own, next) => change(at(own.ticks, n), own, next), isFault)
      if (stage === 'sent') step((tick, _, next) => commit(next, id, tick, rules))
      // Earlier nobody could tell.
      if (stage === 'sent' && waits === 'nobody') step((tick) => (tick.stage = 'gone'))
      if (stage === 'happened' && waits === 'answer') step((tick, own) => answer(own, tick))
      if (waits === 'answer') step((tick, own) => lose(own, tick, rules), true)
      if (waits !== 'adoption') continue
      if (adopted === null) step((tick, own, next) => adopt(next, id, own, tick, rules))
      else step((tick, own) => hearAdopted(own, tick))
    }

    const isOther = state.workers.some((other, n) => other.alive && n !== id)
    const leavesJobs = state.receipts.some(({ worker, isFence }) => worker === id && !isFence)
    if (isOther && (lost ? leavesJobs && rules.lostAreWatched : !alive)) {
      act((own, next) => rescue(next, id, own, rules))
    }
    if (!alive) continue
    if (isOther) {
      act((own, next) => rescue(next, id, own, rules), true)
      act((own) => {
        const left = own.ticks.map((tick): Tick => ({ ...tick, waits: 'nobody' }))
        Object.assign(own, worker(false, own.lost), { ticks: left })
      }, true)
    }

    for (const [n, lease] of running.entries()) {
      act((own) => end(own, own.running, n, 'completed'))
      // Of another's job they would be refused alike.
      if (isHeld(state, lease)) act((own) => end(own, own.running, n, 'failed'))
    }
    for (const n of queue.keys()) act((own) => end(own, own.queue, n, 'returned'))
    const awaited = ticks.filter(({ waits }) => waits !== 'nobody').length
    // A second one is not sent to look for what the first looks for.
    const isWorthIt =
      outcomes.length + queue.length > 0 || (awaited === 0 && state.status === 'new')
    if (awaited < bounds.ticks && isWorthIt) {
      act((own) => send(own, 'started'))
      if (bounds.queues) act((own) => send(own, 'queued'))
    }

    const closed = closedLeases(state, id, rules)
    if (beat === null) {
      if (lost || unsure || closed.length > 0 || !rules.fencesStay)
        act((own) => (own.beat = { stage: 'sent', closed }))
      continue
    }
    if (beat.stage === 'sent') act((own, next) => live(next, id, own, beat.closed, rules))
    else act((own, next) => hear(next, own, beat.stage === 'was lost', rules))
    if (beat.stage === 'was lost')
      act((own) => {
        own.beat = null
        own.unsure = rules.lostBeatsAreDoubted
        doubt(own, rules)
      }, true)
  }
  return found
}

function copyOf(state: State): State {
  const workers = state.workers.map((own) => ({
    ...own,
    running: [...own.running],
    queue: [...own.queue],
    outcomes: [...own.outcomes],
    ticks: own.ticks.map((tick) => ({ ...tick })),
  }))
  return { ...state, receipts: [...state.receipts], workers }
}

function at<T>(list: readonly T[], n: number): T {
  const one = list[n]
  if (one === undefined) throw new Error(`there is no ${n}`)
  return one
}

function remove<T>(list: T[], one: T): void {
  list.splice(list.indexOf(one), 1)
}

function end(own: Worker, jobs: Lease[], n: number, as: Outcome['as']): void {
  for (const lease of jobs.splice(n, 1)) own.outcomes.push({ lease, as })
}

function send(own: Worker, claimsAs: Tick['claimsAs']): void {
  const [begin = 0] = own.queue.splice(0, 1)
  const outcomes = own.outcomes.splice(0)
  const found = { adopted: null, claimed: false, begun: false, doubted: false }
  const sent = { stage: 'sent', waits: 'answer', atWork: !own.lost } as const
  own.ticks.push({ lease: FRESH, outcomes, begin, claimsAs, ...sent, ...found })
}

function commit(next: State, id: number, tick: Tick, rules: Rules): void {
  const before = { ...next }
  for (const { lease, as } of tick.outcomes) {
    const isOwn = lease === next.lease || !rules.finishComparesLease
    const isDue =
      next.status === 'started' ||
      (next.status === 'queued' && as === 'returned') ||
      (next.status === 'done' && !rules.finishWantsStarted)
    if (!isOwn || !isDue) continue
    next.status = as === 'completed' ? 'done' : 'new'
    if (as === 'completed') next.completions += 1
    else next.lease = 0
  }
  tick.stage = 'happened'
  tick.begun = tick.begin > 0 && isHeld(next, tick.begin)
  if (tick.begun) next.status = 'started'
  if (next.status === 'new' && (tick.atWork || !at(next.workers, id).lost)) {
    if (next.receipts.some(({ lease }) => lease === tick.lease)) {
      // The key of the receipt undoes the whole tick.
      Object.assign(next, before)
      tick.stage = 'gone'
      tick.begun = false
      return
    }
    next.status = tick.claimsAs
    next.lease = tick.lease
    tick.claimed = true
    if (rules.claimWritesReceipt) {
      next.receipts.push({ lease: tick.lease, worker: id, isFence: false })
    }
  }
}

function answer(own: Worker, tick: Tick): void {
  if (tick.doubted) {
    tick.waits = 'adoption'
    return
  }
  remove(own.ticks, tick)
  if (tick.begun && tick.begin > 0) own.running.push(tick.begin)
  if (tick.claimed) listOf(own, tick.claimsAs).push(tick.lease)
}

function listOf(own: Worker, status: State['status']): Lease[] {
  return status === 'started' ? own.running : own.queue
}

function lose(own: Worker, tick: Tick, rules: Rules): void {
  tick.waits = rules.workerAdopts ? 'adoption' : 'nobody'
  tick.doubted = false
  own.outcomes.unshift(...tick.outcomes)
  if (!rules.beginsAwaitAdoption && tick.begin > 0) own.queue.unshift(tick.begin)
}

function adopt(next: State, id: number, own: Worker, tick: Tick, rules: Rules): void {
  const isAlone = own.ticks.every((other) => other === tick || other.waits === 'nobody')
  const isMissing = next.receipts.every(({ lease }) => lease !== tick.lease)
  if (isMissing && rules.adoptWritesReceipt && (isAlone || rules.adoptWritesReceiptBesideAnother)) {
    next.receipts.push({ lease: tick.lease, worker: id, isFence: true })
  }
  const mine = next.receipts.some(({ lease, worker }) => worker === id && lease === next.lease)
  const isMeant =
    next.lease === tick.lease ||
    (next.lease === tick.begin && rules.adoptTakesBegun) ||
    !rules.adoptTakesOnlyTheLostTick
  const { lease, status } = next
  const isAnswered = mine && isMeant && isHeld(next, lease)
  tick.adopted = isAnswered ? { lease, status } : { lease: 0, status: 'new' }
  tick.doubted = false
}

function hearAdopted(own: Worker, tick: Tick): void {
  const { adopted, doubted } = tick
  tick.adopted = null
  if (doubted || adopted === null) return
  if (adopted.lease > 0) listOf(own, adopted.status).push(adopted.lease)
  tick.waits = 'nobody'
}

/** Of the leases under which the worker was given the job, those that it no longer needs. */
function closedLeases(state: State, id: number, rules: Rules): Lease[] {
  const { running, queue, outcomes, ticks } = at(state.workers, id)
  const awaited = ticks.filter(({ waits }) => waits !== 'nobody')
  const unwritten = [...outcomes, ...awaited.flatMap((tick) => tick.outcomes)]
  const needed = new Set([
    ...running,
    ...queue,
    ...awaited.map(({ lease }) => lease),
    ...(rules.beatKeepsWhatBegins ? awaited.map(({ begin }) => begin) : []),
    ...(rules.beatKeepsUnwritten ? unwritten.map(({ lease }) => lease) : []),
  ])
  return state.receipts
    .filter(({ lease, worker, isFence }) => worker === id && !isFence && !needed.has(lease))
    .map(({ lease }) => lease)
}

function live(next: State, id: number, own: Worker, closed: readonly Lease[], rules: Rules): void {
  own.beat = { stage: own.lost ? 'was lost' : 'lived', closed: [] }
  own.lost = false
  next.receipts = next.receipts.filter(
    ({ lease, worker, isFence }) =>
      worker !== id || (isFence ? rules.fencesStay : !closed.includes(lease)),
  )
}

function hear(next: State, own: Worker, wasLost: boolean, rules: Rules): void {
  own.beat = null
  if (!wasLost && !own.unsure) return
  own.unsure = false
  own.running = own.running.filter((lease) => isHeld(next, lease))
  own.queue = own.queue.filter((lease) => isHeld(next, lease))
  doubt(own, rules)
}

function doubt(own: Worker, rules: Rules): void {
  for (const tick of own.ticks) {
    tick.doubted ||= rules.ticksAreDoubted && tick.waits === 'answer'
    tick.doubted ||= rules.adoptionsAreDoubted && tick.adopted !== null
  }
}

function rescue(next: State, id: number, own: Worker, rules: Rules): void {
  own.lost = true
  for (const { worker, lease } of next.receipts) {
    if (worker !== id || !isHeld(next, lease)) continue
    next.status = 'new'
    next.lease = 0
  }
  next.receipts = next.receipts.filter(
    ({ worker, isFence }) => worker !== id || (isFence && rules.fencesStay),
  )
}

/** The same state by one name, whichever worker is which: without what has no bearing any more. */
export function normal(state: State): string {
  for (const own of state.workers) {
    own.ticks = own.ticks.filter(({ stage, waits }) => waits !== 'nobody' || stage === 'sent')
  }
  const [one = '', other = ''] = state.workers.map(sizeOf)
  if (one !== other) return named(state, one < other ? [0, 1] : [1, 0])
  const names = [named(state, [0, 1]), named(state, [1, 0])]
  return names.toSorted()[0] ?? ''
}

function sizeOf({ alive, lost, running, queue, outcomes, ticks }: Worker): string {
  return [alive, lost, running.length, queue.length, outcomes.length, ticks.length].join()
}

/** Leases numbered as they stand there, and no receipts that say nothing. */
function named(state: State, order: readonly number[]): string {
  const names = new Map([[0, 0]])
  const nameOf = (lease: Lease): Lease => {
    const name = names.get(lease) ?? names.size
    names.set(lease, name)
    return name
  }
  const outcomeOf = ({ lease, as }: Outcome): Outcome => ({ lease: nameOf(lease), as })
  const lease = nameOf(state.lease)
  const workers = order.map((id): Worker => {
    const own = at(state.workers, id)
    return {
      ...own,
      running: own.running.map(nameOf),
      queue: own.queue.map(nameOf),
      outcomes: own.outcomes.map(outcomeOf),
      ticks: own.ticks.map((tick) => ({
        ...tick,
        lease: nameOf(tick.lease),
        begin: nameOf(tick.begin),
        adopted: tick.adopted && { ...tick.adopted, lease: nameOf(tick.adopted.lease) },
        outcomes: tick.outcomes.map(outcomeOf),
      })),
      beat: own.beat && { ...own.beat, closed: own.beat.closed.map(nameOf) },
    }
  })
  const receipts = state.receipts
    .filter(({ lease }) => isHeld(state, lease) || (names.has(lease) && isAwaited(state, lease)))
    .map((receipt) => ({
      ...receipt,
      lease: nameOf(receipt.lease),
      worker: order.indexOf(receipt.worker),
    }))
    .toSorted((a, b) => a.lease - b.lease)
  return JSON.stringify({ ...state, lease, receipts, workers })
}

function isAwaited(state: State, lease: Lease): boolean {
  return state.workers.some(({ ticks }) => ticks.some((tick) => tick.lease === lease))
}

/** What is wrong with a state by itself. */
export function wrong(state: State): string | undefined {
  const runs = state.workers.flatMap(({ running }) => running)
  const rightly = runs.filter((lease) => lease === state.lease)
  if (state.completions > 1) return 'completed twice'
  if (state.status === 'started' && rightly.length > 1) return 'two executors under one valid lease'
  if (state.status === 'done' && rightly.length > 0) return 'finished by another than its holder'
  const isTold = ({ alive, lost, unsure, beat }: Worker): boolean =>
    !alive || lost || unsure || beat?.stage === 'was lost'
  const isUnaware = state.workers.some(
    (own) => !isTold(own) && own.running.some((lease) => !isHeld(state, lease)),
  )
  return isUnaware ? 'runs what it has lost, and will not hear of it' : undefined
}
