import type { Outcome as SentOutcome } from '../../../src/queries/tick.ts'
import type { Status } from '../../support/job.ts'

/** The types that jobs of the model have, and how many attempts. */
export const TYPES = { once: 1, thrice: 3 } as const

export type Type = keyof typeof TYPES

export const BACKOFF = { delayMs: 10_000, limitMs: 15_000 } as const

export const RETENTION = { endedMs: 300_000, failedMs: 1_200_000 } as const

const HEARTBEAT_MS = 2_000

/** For so long a call of a worker may be on its way: it is watched, and lost ticks are fenced off. */
const WATCH_MS = 600_000

const START = Date.UTC(2031, 0, 1)

export interface Job {
  readonly id: string
  readonly type: Type
  readonly key: string | null
  readonly maxAttempts: number
  status: Status
  priority: number | null
  runAt: number
  paused: boolean
  title: string | null
  cancelRequested: boolean
  attempt: number
  uncharged: number
  queuedAt: number | null
  startedAt: number | null
  finishedAt: number | null
  worker: string | null
  lease: string | null
  hasResult: boolean
  /** The outcome of each attempt that did not succeed. */
  attempts: Record<number, string>
}

/** What a worker believes to hold, whether it still does or not. */
export interface Held {
  readonly id: string
  readonly lease: string
  readonly status: 'queued' | 'started'
}

export interface Worker {
  readonly id: string
  seenAt: number
  lostAt: number | null
  settled: boolean
  held: Held[]
  /** The leases whose answers have reached it. */
  readonly leases: Set<string>
  /** That of a claim whose answer was lost. */
  unanswered: string | undefined
}

export interface Receipt {
  readonly worker: string
  readonly at: number
  readonly ids: readonly string[]
}

/** What ends an attempt: a worker, or the rescue of one that was lost. */
export type Outcome =
  | Omit<SentOutcome, 'id' | 'lease'>
  | { readonly outcome: 'lost'; readonly permanent?: false; readonly delay_ms?: undefined }

export interface Steering {
  readonly priority?: number | null
  readonly runAt?: number
  readonly paused?: boolean
  readonly title?: string
}

const FINISHED: readonly Status[] = ['completed', 'failed', 'cancelled']

export function isFinished(job: Job): boolean {
  return FINISHED.includes(job.status)
}

function idsOf(list: readonly { readonly id: string }[]): Set<string> {
  return new Set(list.map(({ id }) => id))
}

export function holdsKey(job: Job): boolean {
  return job.key !== null && !isFinished(job)
}

/**
 * The rules of the queue as plain code, which knows one thing at a time. Whatever a client does is answered
 * with the SQLSTATE of its refusal, or undefined.
 */
export class Queue {
  now: number = START
  readonly jobs = new Map<string, Job>()
  /** Of all jobs that there ever were. */
  readonly ids: string[] = []
  readonly receipts = new Map<string, Receipt>()
  readonly workers: readonly Worker[]

  constructor(workers: readonly string[]) {
    this.workers = workers.map((id) => ({
      id,
      seenAt: START,
      lostAt: null,
      settled: false,
      held: [],
      leases: new Set(),
      unanswered: undefined,
    }))
  }

  isKeyHeld(type: Type, key: string | null): boolean {
    return [...this.jobs.values()].some(
      (job) => job.type === type && job.key === key && holdsKey(job),
    )
  }

  insert(
    id: string,
    columns: Pick<Job, 'type' | 'key' | 'priority' | 'runAt' | 'paused'> & {
      readonly maxAttempts: number | null
    },
  ): void {
    this.ids.push(id)
    this.jobs.set(id, {
      ...columns,
      id,
      maxAttempts: columns.maxAttempts ?? TYPES[columns.type],
      status: 'new',
      title: null,
      cancelRequested: false,
      attempt: 0,
      uncharged: 0,
      queuedAt: null,
      startedAt: null,
      finishedAt: null,
      worker: null,
      lease: null,
      hasResult: false,
      attempts: {},
    })
  }

  steer(id: string, { priority, runAt, paused, title }: Steering): string | undefined {
    const job = this.jobs.get(id)
    if (job === undefined) return undefined
    const typical = job.priority === null ? null : 0
    const after = {
      // Null takes the type's, which is 0, unless it was null from the beginning.
      priority: priority === undefined ? job.priority : (priority ?? typical),
      runAt: runAt ?? job.runAt,
      paused: paused ?? job.paused,
    }
    const isLate = job.status !== 'new' && job.status !== 'queued'
    const changes =
      after.priority !== job.priority || after.runAt !== job.runAt || after.paused !== job.paused
    if (isLate && changes) return 'JT010'
    Object.assign(job, after)
    job.title = title ?? job.title
    return undefined
  }

  delete(id: string): string | undefined {
    if (this.jobs.get(id)?.status === 'started') return 'JT006'
    this.jobs.delete(id)
    return undefined
  }

  cancel(id: string): string | undefined {
    const job = this.jobs.get(id)
    if (job === undefined) return 'JT015'
    if (isFinished(job)) return 'JT007'
    if (job.status === 'started') job.cancelRequested = true
    else this.jobs.delete(id)
    return undefined
  }

  resubmit(id: string, runAt: number | undefined): string | undefined {
    const job = this.jobs.get(id)
    if (job === undefined) return 'JT015'
    if (!isFinished(job)) return 'JT005'
    if (this.isKeyHeld(job.type, job.key)) return 'JT008'
    this.#giveUp(job)
    // One that is not changed is the start of a time that is over.
    job.runAt = runAt === undefined || runAt === job.runAt ? this.now : runAt
    job.finishedAt = null
    job.cancelRequested = false
    job.uncharged = job.attempt
    job.hasResult = false
    return undefined
  }

  /** How many jobs go. */
  purge(): number {
    const before = this.jobs.size
    for (const job of this.jobs.values()) {
      const kept = job.status === 'failed' ? RETENTION.failedMs : RETENTION.endedMs
      if (job.finishedAt !== null && job.finishedAt < this.now - kept) this.jobs.delete(job.id)
    }
    return before - this.jobs.size
  }

  get claimable(): readonly Job[] {
    return [...this.jobs.values()].filter(
      (job) => job.status === 'new' && !job.paused && job.runAt <= this.now,
    )
  }

  claim(worker: Worker, lease: string, handed: readonly Held[]): void {
    for (const { id, status } of handed) {
      const job = this.job(id)
      job.status = status
      job.worker = worker.id
      job.lease = lease
      job.queuedAt = this.now
      if (status === 'started') this.#start(job)
    }
    if (handed.length > 0) {
      this.receipts.set(lease, { worker: worker.id, at: this.now, ids: handed.map(({ id }) => id) })
    }
  }

  /** What a worker holds under its receipts; that of the lease is there from now on. */
  adopt(worker: Worker, lease: string): readonly Held[] {
    if (!this.receipts.has(lease)) {
      this.receipts.set(lease, { worker: worker.id, at: this.now, ids: [] })
    }
    return [...this.receipts]
      .filter(([, receipt]) => receipt.worker === worker.id)
      .flatMap(([held, { ids }]) => this.#heldUnder(held, ids))
      .map(({ id, status, lease: held }) => ({
        id,
        lease: held ?? '',
        status: status === 'started' ? 'started' : 'queued',
      }))
  }

  /** Whether a queued job begins. */
  begin({ id, lease }: Held): boolean {
    const job = this.jobs.get(id)
    if (job?.lease !== lease || job.status !== 'queued') return false
    if (job.paused || job.runAt > this.now) {
      this.#giveUp(job)
      return false
    }
    job.status = 'started'
    this.#start(job)
    return true
  }

  /** Whether the outcome is the job's, now or since an earlier call: a rescue may have failed it. */
  finish({ id, lease }: Held, outcome: Outcome): boolean {
    const job = this.jobs.get(id)
    if (job?.lease !== lease) return false
    if (isFinished(job)) return outcome.outcome !== 'completed' || job.status === 'completed'
    this.#settle(job, outcome)
    return true
  }

  /** The refusal of an executor's own transaction. */
  complete({ id, lease }: Held): string | undefined {
    const job = this.jobs.get(id)
    if (job?.lease !== lease || job.status !== 'started') return 'JT014'
    if (job.cancelRequested) return 'JT018'
    this.#settle(job, { outcome: 'completed' })
    return undefined
  }

  /** Drops receipts of leases under which nothing is held; of doubtful ones only if that is so. */
  close(worker: Worker, leases: readonly string[], isDoubtful: boolean): void {
    for (const lease of this.#receiptsOf(worker.id)) {
      const ids = this.receipts.get(lease)?.ids ?? []
      const isHeld = this.#heldUnder(lease, ids).length > 0
      const isClosed = leases.includes(lease) && !(isDoubtful && isHeld)
      if (isClosed || ids.length === 0) this.receipts.delete(lease)
    }
  }

  isHeld({ id, lease }: Pick<Held, 'id' | 'lease'>): boolean {
    return this.#heldUnder(lease, [id]).length > 0
  }

  /** A sign of life; what it tells of others. */
  beat(worker: Worker): { readonly silent: Set<string>; readonly orphans: Set<string> } {
    worker.seenAt = this.now
    worker.lostAt = null
    worker.settled = false
    const others = this.workers.filter(({ id, settled }) => id !== worker.id && !settled)
    return {
      silent: idsOf(
        others.filter(
          ({ lostAt, seenAt }) => lostAt === null && this.now - seenAt > 1.25 * HEARTBEAT_MS,
        ),
      ),
      orphans: idsOf(
        others.filter(
          ({ id, lostAt }) =>
            lostAt !== null && (lostAt < this.now - WATCH_MS || this.#receiptsOf(id).length > 0),
        ),
      ),
    }
  }

  rescue(worker: Worker, limit: number): { readonly rescued: number; readonly more: boolean } {
    let looked = 0
    let rescued = 0
    for (const lease of this.#receiptsOf(worker.id)) {
      if (looked >= limit) break
      const ids = this.receipts.get(lease)?.ids ?? []
      const jobs = this.#heldUnder(lease, ids)
      for (const job of jobs) this.#settle(job, { outcome: 'lost' })
      rescued += jobs.length
      looked += ids.length
      this.receipts.delete(lease)
    }
    const more = this.#receiptsOf(worker.id).length > 0
    worker.lostAt ??= this.now
    const isEmpty = [...this.receipts.values()].every((receipt) => receipt.worker !== worker.id)
    worker.settled = isEmpty && worker.lostAt < this.now - WATCH_MS
    return { rescued, more }
  }

  job(id: string): Job {
    const job = this.jobs.get(id)
    if (job === undefined) throw new Error(`the model has no job ${id}`)
    return job
  }

  /** The leases of a worker's receipts, but for those that may yet fence off a lost tick. */
  #receiptsOf(worker: string): string[] {
    return [...this.receipts].flatMap(([lease, receipt]) => {
      const isFence = receipt.ids.length === 0 && receipt.at > this.now - WATCH_MS
      return receipt.worker === worker && !isFence ? [lease] : []
    })
  }

  #heldUnder(lease: string, ids: readonly string[]): Job[] {
    return ids
      .flatMap((id) => this.jobs.get(id) ?? [])
      .filter((job) => job.lease === lease && !isFinished(job))
  }

  #start(job: Job): void {
    job.startedAt = this.now
    job.attempt += 1
  }

  #giveUp(job: Job): void {
    job.status = 'new'
    job.queuedAt = null
    job.startedAt = null
    job.worker = null
    job.lease = null
  }

  /** Ends an attempt, or what was queued. */
  #settle(job: Job, end: Outcome): void {
    if (job.status === 'queued') return this.#giveUp(job)
    if (end.outcome === 'completed') {
      job.hasResult = end.result !== undefined
      return this.#end(job, 'completed')
    }
    const { outcome, permanent, delay_ms: delayMs } = end
    const isError = outcome === 'failed' || outcome === 'timed_out' || outcome === 'lost'
    const counted = job.attempt - job.uncharged
    if (isError && !job.cancelRequested && (permanent || counted >= job.maxAttempts)) {
      job.attempts[job.attempt] = outcome
      return this.#end(job, 'failed')
    }
    if (outcome === 'cancelled' || job.cancelRequested) {
      job.attempts[job.attempt] = 'cancelled'
      return this.#end(job, 'cancelled')
    }
    this.#giveUp(job)
    if (isError || outcome === 'released') job.attempts[job.attempt] = outcome
    if (outcome === 'released') job.uncharged += 1
    if (outcome === 'returned' || outcome === 'snoozed') job.attempt -= 1
    if (outcome === 'failed' || outcome === 'timed_out' || outcome === 'snoozed') {
      const rest = Math.min(BACKOFF.delayMs * 2 ** (counted - 1), BACKOFF.limitMs)
      job.runAt = this.now + (delayMs ?? rest)
    }
  }

  #end(job: Job, status: Status): void {
    job.status = status
    job.finishedAt = this.now
  }
}
