import fc from 'fast-check'
import { expect } from 'vitest'
import type { Session } from '../../support/session.ts'
import type { Ticker } from '../../support/ticker.ts'
import { holdsKey, type Queue, type Worker } from './queue.ts'

/** The queue under test: one session, whose clock stands still until it is moved. */
export interface Real {
  readonly session: Session
  /** In the order of the model's workers. */
  readonly tickers: readonly Ticker[]
  /** Leases in ascending order, so that a seed repeats everything. */
  drawLease(): string
}

export type Command = fc.AsyncCommand<Queue, Real>

/** What tells whether a command makes sense. */
export type Glance = Pick<Queue, 'ids' | 'workers'>

export interface Step<Args> {
  readonly name: string
  readonly args: fc.Arbitrary<Args>
  /** Whether it makes sense as things are. Default: always. */
  possible?(queue: Glance, args: Args): boolean
  run(queue: Queue, real: Real, args: Args): Promise<void>
}

/** A command after which everything is compared. */
export function command<Args>({ name, args, possible, run }: Step<Args>): fc.Arbitrary<Command> {
  return args.map((given) => ({
    check: (queue) => possible?.(queue, given) ?? true,
    run: async (queue, real) => {
      await run(queue, real, given)
      expect(await read(real), `after ${name}`).toEqual(view(queue))
    },
    toString: () => `${name}(${fc.stringify(given)})`,
  }))
}

/** Of an answer of the queue, and the model's. */
export function expectSame(answer: unknown, expected: unknown): void {
  expect(answer).toEqual(expected)
}

/** One of a list that is not empty. */
export function pick<T>(list: readonly T[], n: number): T {
  const one = list[n % list.length]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}

export function tickerOf(real: Real, worker: Worker): Ticker {
  const found = real.tickers.find(({ id }) => id === worker.id)
  if (found === undefined) throw new Error(`there is no worker ${worker.id}`)
  return found
}

export async function setClock({ session }: Pick<Real, 'session'>, now: number): Promise<void> {
  await session.query("select set_config('jobtable.now', $1, false)", [new Date(now).toISOString()])
}

const MS = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint`

const STATE = `
  select
    (select coalesce(json_object_agg(j.id, json_build_object(
        'type', j.type, 'key', j.key, 'holdsKey', j.holds_key, 'status', j.status,
        'priority', j.priority, 'runAt', ${MS('j.run_at')}, 'paused', j.paused, 'title', j.title,
        'cancelRequested', j.cancel_requested, 'isCancelRecorded', exists (
          select from jobtable.job_cancel c where c.job = j.id
        ),
        'attempt', j.attempt, 'uncharged', j.uncharged,
        'queuedAt', ${MS('j.queued_at')}, 'startedAt', ${MS('j.started_at')},
        'finishedAt', ${MS('j.finished_at')}, 'failedAt', ${MS('j.failed_at')},
        'worker', j.worker::text, 'lease', j.lease::text,
        'hasResult', exists (select from jobtable.job_result r where r.job = j.id),
        'attempts', (
          select coalesce(json_object_agg(a.n, a.outcome), '{}')
          from jobtable.job_attempt a where a.job = j.id
        )
      )), '{}')
      from jobtable.job j) as jobs,
    (select coalesce(json_object_agg(c.lease, json_build_object(
        'worker', c.worker::text, 'at', ${MS('c.claimed_at')}, 'ids', c.ids::text[]
      )), '{}')
      from jobtable_internal.claim c) as receipts,
    (select json_object_agg(w.id, json_build_object(
        'seenAt', ${MS('w.seen_at')}, 'lostAt', ${MS('w.lost_at')}, 'settled', w.settled_at is not null
      ))
      from jobtable.worker w) as workers,
    (select coalesce(json_object_agg(c.type || ' ' || c.status, c.count), '{}')
      from jobtable.job_counts c) as counts`

async function read({ session }: Real): Promise<unknown> {
  const [row] = await session.query(STATE)
  return row
}

/** What the database should hold. */
function view(queue: Queue): unknown {
  const jobs = [...queue.jobs.values()].map((job) => {
    const { id, maxAttempts: _, ...columns } = job
    const more = {
      holdsKey: holdsKey(job),
      isCancelRecorded: job.cancelRequested,
      failedAt: job.status === 'failed' ? job.finishedAt : null,
    }
    return [id, { ...columns, ...more }] as const
  })
  const workers = queue.workers.map(
    ({ id, seenAt, lostAt, settled }) => [id, { seenAt, lostAt, settled }] as const,
  )
  const counts: Record<string, number> = {}
  for (const { type, status } of queue.jobs.values()) {
    const name = `${type} ${status}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return {
    jobs: Object.fromEntries(jobs),
    receipts: Object.fromEntries(queue.receipts),
    workers: Object.fromEntries(workers),
    counts,
  }
}
