import fc from 'fast-check'
import { expect } from 'vitest'
import * as running from '../../../src/queries/running.ts'
import * as ticks from '../../../src/queries/tick.ts'
import * as queries from '../../../src/queries/worker.ts'
import { refusedBy } from '../../support/refusal.ts'
import {
  type Command,
  command,
  expectSame,
  type Glance,
  pick,
  type Real,
  tickerOf,
} from './command.ts'
import type { Held, Queue, Worker } from './queue.ts'

/** Which of those for whom it is possible. */
const n = fc.nat({ max: 11 })

type Outcome = Omit<ticks.Outcome, 'id' | 'lease'>

/** How the attempts of executors end, as the worker tells. */
const OUTCOMES: readonly Outcome[] = [
  { outcome: 'completed' },
  { outcome: 'completed' },
  { outcome: 'completed' },
  { outcome: 'completed', result: '{"n": 1}' },
  { outcome: 'failed' },
  { outcome: 'failed' },
  { outcome: 'failed', permanent: true },
  { outcome: 'failed', delay_ms: 40_000 },
  { outcome: 'timed_out' },
  { outcome: 'cancelled' },
  { outcome: 'snoozed', delay_ms: 2_000 },
]

const BACK = [{ outcome: 'released' }, { outcome: 'returned' }] as const

function ableToClaim({ workers }: Glance): readonly Worker[] {
  return workers.filter((worker) => worker.unanswered === undefined)
}

function unanswered({ workers }: Glance): readonly Worker[] {
  return workers.filter((worker) => worker.unanswered !== undefined)
}

/** What workers believe to hold, whether they are right or not. */
function held(queue: Glance, status: Held['status']): { worker: Worker; job: Held }[] {
  return queue.workers.flatMap((worker) =>
    worker.held.filter((job) => job.status === status).map((job) => ({ worker, job })),
  )
}

function letGo(worker: Worker, gone: readonly Held[]): void {
  worker.held = worker.held.filter((held) => !gone.includes(held))
}

/** Claims until nothing more is there, and compares what was handed out with what might have been. */
export async function claim(
  queue: Queue,
  real: Real,
  worker: Worker,
  wish: { readonly slots: number; readonly prefetch: number; readonly isAnswerLost: boolean },
): Promise<void> {
  const ticker = tickerOf(real, worker)
  const before = worker.lostAt === null ? queue.claimable.length : 0
  const handed: Held[] = []
  for (;;) {
    const lease = real.drawLease()
    const open = queue.claimable
    const { claimed, more, looked } = await ticker.tick({
      lease,
      ranges: ticker.ranges(),
      slots: wish.slots - handed.filter(({ status }) => status === 'started').length,
      prefetch: wish.prefetch - handed.filter(({ status }) => status === 'queued').length,
    })
    const jobs = claimed.map(({ id, status }) => ({ id, lease, status }))
    for (const { id } of jobs) expect(open.map((job) => job.id)).toContain(id)
    const order = claimed.map(
      ({ status, priority }) => [status === 'queued', priority ?? 0] as const,
    )
    expect(order).toEqual(order.toSorted(([a, m], [b, n]) => Number(a) - Number(b) || m - n))
    queue.claim(worker, lease, jobs)
    handed.push(...jobs)
    if (wish.isAnswerLost) {
      worker.unanswered = lease
      break
    }
    if (jobs.length > 0) worker.leases.add(lease)
    worker.held.push(...jobs)
    if (handed.length === wish.slots + wish.prefetch || !more || looked === 0) break
  }
  const least = Math.max(...handed.map(({ id }) => queue.job(id).priority ?? 0))
  for (const job of queue.claimable) {
    if (handed.length > 0) expect(job.priority ?? 0, 'what was left').toBeGreaterThanOrEqual(least)
  }
  expect(handed.filter(({ status }) => status === 'queued').length).toBe(
    Math.min(wish.prefetch, Math.max(0, before - wish.slots)),
  )
  expect(handed.length).toBe(Math.min(wish.slots + wish.prefetch, before))
}

const claims = command({
  name: 'claim',
  args: fc.record({
    n,
    slots: fc.nat({ max: 3 }),
    prefetch: fc.nat({ max: 2 }),
    isAnswerLost: fc.constantFrom(false, false, false, true),
  }),
  possible: (queue, { slots, prefetch }) => ableToClaim(queue).length > 0 && slots + prefetch > 0,
  run: async (queue, real, { n, ...wish }) =>
    await claim(queue, real, pick(ableToClaim(queue), n), wish),
})

/** After a lost answer: what that tick handed out is the worker's, if nobody has taken it since. */
const adopt = command({
  name: 'adopt',
  args: fc.record({ n }),
  possible: (queue) => unanswered(queue).length > 0,
  run: async (queue, { session }, { n }) => {
    const worker = pick(unanswered(queue), n)
    const lease = worker.unanswered ?? ''
    const jobs = await ticks.adopt(session.client, worker.id, lease)
    const found = jobs.map(({ id, lease, status }) => ({ id, lease, status }))
    const byId = (a: Held, b: Held): number => Number(a.id) - Number(b.id)
    expectSame(found, queue.adopt(worker, lease).toSorted(byId))
    worker.held.push(...found.filter((one) => one.lease === lease))
    worker.leases.add(lease)
    worker.unanswered = undefined
  },
})

const begin = command({
  name: 'begin',
  args: fc.record({ n }),
  possible: (queue) => held(queue, 'queued').length > 0,
  run: async (queue, real, { n }) => {
    const { worker, job } = pick(held(queue, 'queued'), n)
    const { begun, waiting } = await tickerOf(real, worker).tick({ begin: [job] })
    const begins = queue.begin(job)
    expectSame([begun.map(({ id }) => id), waiting], [begins ? [job.id] : [], []])
    letGo(worker, [job])
    if (begins) worker.held.push({ ...job, status: 'started' })
  },
})

/** Of a worker that was taken for lost, too: then it is late, and refused. */
const finish = command({
  name: 'finish',
  args: fc.record({
    n,
    end: fc.constantFrom<Outcome[]>(...OUTCOMES, ...OUTCOMES, ...BACK),
    isSentTwice: fc.constantFrom(false, false, true),
  }),
  possible: (queue) => held(queue, 'started').length > 0,
  run: async (queue, real, { n, end, isSentTwice }) => {
    const { worker, job } = pick(held(queue, 'started'), n)
    const { id, lease } = job
    for (let times = isSentTwice ? 2 : 1; times > 0; times -= 1) {
      const { locked, lost } = await tickerOf(real, worker).finish([{ id, lease, ...end }])
      expectSame([locked, lost], [[], queue.finish(job, end) ? [] : [id]])
    }
    letGo(worker, [job])
  },
})

const giveBack = command({
  name: 'giveBack',
  args: fc.record({ n, end: fc.constantFrom(...BACK) }),
  possible: (queue) => held(queue, 'queued').length > 0,
  run: async (queue, real, { n, end }) => {
    const { worker, job } = pick(held(queue, 'queued'), n)
    const { id, lease } = job
    const { locked, lost } = await tickerOf(real, worker).finish([{ id, lease, ...end }])
    expectSame([locked, lost], [[], queue.finish(job, end) ? [] : [id]])
    letGo(worker, [job])
  },
})

const complete = command({
  name: 'complete',
  args: fc.record({ n }),
  possible: (queue) => held(queue, 'started').length > 0,
  run: async (queue, { session }, { n }) => {
    const { worker, job } = pick(held(queue, 'started'), n)
    const code = queue.complete(job)
    expectSame(await refusedBy(running.complete(session.client, job, undefined)), code)
    if (code === undefined) letGo(worker, [job])
  },
})

/** A sign of life. A worker that was taken for lost lets go of what it holds no more. */
const beat = command({
  name: 'beat',
  args: fc.record({ n, isDoubtful: fc.boolean() }),
  run: async (queue, { session }, { n, isDoubtful }) => {
    const worker = pick(queue.workers, n)
    const { held, lostAt } = worker
    const idle = [...worker.leases].filter((lease) => held.every((one) => one.lease !== lease))
    const answer = await queries.beat(session.client, {
      worker: worker.id,
      listens: false,
      held: held.map(({ id, lease }) => ({ id, lease })),
      closed: isDoubtful ? [] : idle,
      doubtful: isDoubtful ? idle : [],
    })
    const heard = {
      ...answer,
      silent: new Set(answer.silent.map(({ id }) => id)),
      orphans: new Set(answer.orphans),
      cancels: new Set(answer.cancels.map(({ id }) => id)),
    }
    const asked = held
      .flatMap(({ id }) => queue.jobs.get(id) ?? [])
      .filter((job) => job.cancelRequested && job.status === 'started')
    expectSame(heard, {
      known: true,
      wasLost: lostAt !== null,
      timeouts: new Map(),
      cancels: new Set(asked.map(({ id }) => id)),
      ...queue.beat(worker),
    })
    for (const lease of idle) worker.leases.delete(lease)
    queue.close(worker, idle, isDoubtful)
    if (lostAt === null) return
    const positions = await session.query<{ lost: number[] }>(
      'select jobtable_internal.check_held($1, $2) as lost',
      [held.map(({ id }) => id), held.map(({ lease }) => lease)],
    )
    const gone = held.filter((one) => !queue.isHeld(one))
    expectSame(
      positions[0]?.lost.map((position) => held[position - 1]),
      gone,
    )
    letGo(worker, gone)
  },
})

export async function rescue(
  queue: Queue,
  { session }: Real,
  worker: Worker,
  limit: number,
): Promise<void> {
  const [row] = await session.query<{ at: string }>(
    'select seen_at::text as at from jobtable.worker where id = $1',
    [worker.id],
  )
  const answer = await queries.rescue(session.client, worker.id, row?.at ?? '', limit)
  expectSame(answer, queue.rescue(worker, limit))
}

/** To be killed is to do nothing more. Whoever is rescued was killed, or has only seemed to be. */
const rescues = command({
  name: 'rescue',
  args: fc.record({ n, limit: fc.constantFrom(1, 1_000) }),
  run: async (queue, real, { n, limit }) =>
    await rescue(queue, real, pick(queue.workers, n), limit),
})

/** A worker loses what it runs to another, and knows nothing of it: what it tells next comes late. */
const takeOver = command({
  name: 'takeOver',
  args: fc.record({ n, m: n }),
  possible: (queue) => held(queue, 'started').length > 0 && ableToClaim(queue).length > 0,
  run: async (queue, real, { n, m }) => {
    await rescue(queue, real, pick(held(queue, 'started'), n).worker, 1_000)
    const wish = { slots: 2, prefetch: 1, isAnswerLost: false }
    await claim(queue, real, pick(ableToClaim(queue), m), wish)
  },
})

/** By one who has not heard of the last sign of life. */
const rescueTooLate = command({
  name: 'rescueTooLate',
  args: fc.record({ n }),
  possible: (queue) => queue.workers.some(({ lostAt }) => lostAt === null),
  run: async (queue, { session }, { n }) => {
    const { id } = pick(
      queue.workers.filter(({ lostAt }) => lostAt === null),
      n,
    )
    const answer = await queries.rescue(session.client, id, '2030-01-01 00:00:00+00', 1_000)
    expectSame(answer, { rescued: 0, more: false })
  },
})

/** What workers do and suffer; as often as it stands here. */
export const workers: readonly fc.Arbitrary<Command>[] = [
  claims,
  claims,
  claims,
  adopt,
  begin,
  begin,
  finish,
  finish,
  finish,
  giveBack,
  complete,
  beat,
  rescues,
  takeOver,
  rescueTooLate,
]
