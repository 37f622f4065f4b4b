import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LeaseLostError } from '../../../src/errors.ts'
import { Events } from '../../../src/events.ts'
import { defineExecutor } from '../../../src/executor.ts'
import { rescue, stopWorker as stopWorkerRow } from '../../../src/queries/worker.ts'
import { Rescuer } from '../../../src/rescuer.ts'
import { interceptAnswers } from '../../support/answers.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { startTicker } from '../../support/ticker.ts'
import { allFinished, cleanUpAfterEach, gate, next, startWorker } from '../../support/worker.ts'

const GRACE_MS = 100

const database = useDatabase()
cleanUpAfterEach(database)

/** Takes a worker's jobs as another one would that has not heard of it for too long. */
async function takeJobsOf(worker: string): Promise<number> {
  for (;;) {
    const [row] = await database().query<{ seen_at: string }>(
      'select seen_at::text from jobtable.worker where id = $1',
      [worker],
    )
    const { rescued } = await rescue(database().pool, worker, row?.seen_at ?? '', 100)
    // It may have shown life in between.
    if (rescued > 0) return rescued
  }
}

/** Whether it is the answer to a tick, or what stands in for one, that brings jobs. */
function hasClaimed(answer: unknown): boolean {
  const { rows } = answer as { readonly rows: readonly { readonly claimed?: string | null }[] }
  return typeof rows[0]?.claimed === 'string'
}

test('a worker that was taken for lost lets go of its jobs, runs on, and loses no slot', async () => {
  const held = gate()
  const both = gate()
  const reasons: unknown[] = []
  const running = new Set<string>()
  const worker = await startWorker(database(), {
    concurrency: 2,
    abortGraceMs: GRACE_MS,
    heartbeatMs: 100,
    executors: [
      defineExecutor({
        type: 'rescued',
        maxAttempts: 2,
        onAbort: ({ reason }) => void reasons.push(reason),
        execute: async ({ job }) => {
          // Deaf in its first attempt; in the second it takes longer than that is waited for.
          await (job.attempt === 1 ? held.opened : delay(3 * GRACE_MS))
        },
      }),
      defineExecutor({
        type: 'both',
        execute: async ({ job }) => {
          running.add(job.id)
          if (running.size === 2) both.open()
          await both.opened
        },
      }),
    ],
  })
  const begun = next(worker, 'begun')
  const id = await insertJob(database(), 'rescued')
  await begun
  const dropped = next(worker, 'dropped')
  expect(await takeJobsOf(worker.id ?? '')).toBe(1)
  expect((await dropped)[0].map((job) => job.id)).toEqual([id])
  await allFinished(database())
  expect(await readJob(database(), id)).toMatchObject({ status: 'completed', attempt: 2 })
  expect(reasons).toEqual([expect.any(LeaseLostError)])
  held.open()
  await insertJobs(database(), 'both', 2)
  await allFinished(database())
  expect(running.size).toBe(2)
})

test.each([
  { knows: true, heartbeatMs: 100 },
  { knows: false, heartbeatMs: 60_000 },
])(
  'a job lost while its payload was on its way does not begin; its worker knows: $knows',
  async ({ knows, heartbeatMs }) => {
    const asked = gate()
    const held = gate()
    const fetched = gate()
    let isFirst = true
    using _ = interceptAnswers(async ({ text, send }) => {
      if (!text.includes('payload from jobtable.job') || !isFirst) return await send()
      isFirst = false
      asked.open()
      await held.opened
      const answer = await send()
      setImmediate(() => fetched.open())
      return answer
    })
    const attempts: number[] = []
    const worker = await startWorker(database(), {
      heartbeatMs,
      executors: [
        defineExecutor({
          type: 'large',
          maxAttempts: 2,
          execute: ({ job }) => void attempts.push(job.attempt),
        }),
      ],
    })
    await insertJob(database(), 'large', { payload: { text: 'x'.repeat(1_000) } })
    await asked.opened
    const dropped = knows ? next(worker, 'dropped') : undefined
    await takeJobsOf(worker.id ?? '')
    await dropped
    held.open()
    await fetched.opened
    expect(attempts).not.toContain(1)
  },
)

/** Which attempts of a job begin on a worker from which it is taken once it was handed out there. */
async function attemptsOfTaken(type: string, handedOut: Promise<void>): Promise<readonly number[]> {
  const attempts: number[] = []
  const worker = await startWorker(database(), {
    heartbeatMs: 100,
    executors: [
      defineExecutor({
        type,
        maxAttempts: 2,
        execute: ({ job }) => void attempts.push(job.attempt),
      }),
    ],
  })
  await insertJob(database(), type)
  await handedOut
  await takeJobsOf(worker.id ?? '')
  await allFinished(database())
  return attempts
}

test('a job that was taken before its worker was told of it does not begin there', async () => {
  const claimed = gate()
  const checked = gate()
  using _ = interceptAnswers(async ({ text, send }) => {
    const answer = await send()
    if (text.includes('check_held(')) checked.open()
    else if (hasClaimed(answer)) {
      claimed.open()
      await checked.opened
    }
    return answer
  })
  expect(await attemptsOfTaken('told_late', claimed.opened)).toEqual([2])
})

test('a job that was taken while it was being adopted does not begin there', async () => {
  const lost = gate()
  const asked = gate()
  const checked = gate()
  let isFirst = true
  using _ = interceptAnswers(async ({ text, send }) => {
    const answer = await send()
    if (text.includes('check_held(')) checked.open()
    else if (text.includes('jobtable_internal.adopt(') && isFirst) {
      isFirst = false
      asked.open()
      await checked.opened
    } else if (hasClaimed(answer) && isFirst) {
      lost.open()
      throw new Error('Connection terminated unexpectedly')
    }
    return answer
  })
  expect(await attemptsOfTaken('adopted_late', asked.opened)).toEqual([2])
})

test('jobs of several dead workers are rescued until the patience is over, and later the others', async () => {
  const dead: string[] = []
  for (const type of ['first_dead', 'second_dead']) {
    const ticker = await startTicker(database(), type)
    await insertJob(database(), type, { max_attempts: 2 })
    await ticker.claim()
    await stopWorkerRow(database().pool, ticker.id)
    dead.push(ticker.id)
  }
  const events = new Events()
  const rescued: string[] = []
  events.on('rescued', (worker) => rescued.push(worker))
  const rescuer = new Rescuer({ database: database().pool, events })
  await rescuer.look({ silent: [], orphans: dead }, 0)
  expect(rescued).toEqual(dead.slice(0, 1))
  await rescuer.look({ silent: [], orphans: dead.slice(1) }, 0)
  expect(rescued).toEqual(dead)
})
