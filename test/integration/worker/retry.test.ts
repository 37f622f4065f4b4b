import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PermanentFailure, RetryAfter, Snooze } from '../../../src/errors.ts'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { allFinished, cleanUpAfterEach, startWorker, until } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

async function attempts(id: string): Promise<Record<string, unknown>[]> {
  return await database().query(
    'select n, outcome, error_name, error_message from jobtable.job_attempt where job = $1 order by n',
    [id],
  )
}

function raise(message: string): never {
  throw new Error(message)
}

describe('an executor that throws', () => {
  test('is run again until it succeeds, as often as its definition says', async () => {
    const seen: number[] = []
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'flaky',
          maxAttempts: 3,
          backoff: { kind: 'fixed', delay: '10 ms', jitter: 0 },
          execute: ({ job }) => {
            seen.push(job.attempt)
            if (job.attempt < 3) throw new Error(`failure ${job.attempt}`)
            return job.attempt
          },
        }),
      ],
    })
    const id = await insertJob(database(), 'flaky')
    await allFinished(database())
    expect(seen).toEqual([1, 2, 3])
    expect(await readJob(database(), id)).toMatchObject({ status: 'completed', attempt: 3 })
    expect(await attempts(id)).toEqual([
      { n: 1, outcome: 'failed', error_name: 'Error', error_message: 'failure 1' },
      { n: 2, outcome: 'failed', error_name: 'Error', error_message: 'failure 2' },
    ])
  })

  test('what is no proper error fails its attempt, and its slot is free again', async () => {
    const thrown: (() => unknown)[] = [
      () => Object.assign(new Error('text'), { message: ['a'] }),
      () => Object.assign(new Error('text'), { name: 1, message: { b: 2 }, stack: Symbol('c') }),
      () => Object.defineProperty(new Error('text'), 'message', { get: () => raise('getter') }),
      () => Object.assign(new Error('text'), { message: { toString: () => raise('toString') } }),
      () => Object.assign(new Snooze(1), { message: 3 }),
      () => new Proxy(new Error('text'), { getPrototypeOf: () => raise('prototype') }),
    ]
    await startWorker(database(), {
      concurrency: 1,
      executors: [
        defineExecutor({
          type: 'odd',
          // oxlint-disable-next-line typescript/require-await -- of one that waits nobody catches it
          execute: async ({ payload }) => {
            throw thrown[Number(payload['n']) - 1]?.()
          },
        }),
      ],
    })
    const ids = await insertJobs(database(), 'odd', thrown.length)
    await allFinished(database())
    const told = await Promise.all(ids.map(attempts))
    expect(told.map(([attempt]) => attempt?.['error_message'])).toEqual([
      "[ 'a' ]",
      '{ b: 2 }',
      'a value was thrown that cannot be shown',
      'a value was thrown that cannot be shown',
      expect.stringContaining('split'),
      'prototype',
    ])
    expect(told.every((rows) => rows.length === 1 && rows[0]?.['outcome'] === 'failed')).toBe(true)
  })

  test('PermanentFailure is not run again', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'hopeless',
          maxAttempts: 5,
          execute: () => {
            throw new PermanentFailure('no such customer')
          },
        }),
      ],
    })
    const id = await insertJob(database(), 'hopeless')
    await allFinished(database())
    expect(await readJob(database(), id)).toMatchObject({
      status: 'failed',
      attempt: 1,
      status_detail: 'PermanentFailure: no such customer',
    })
  })

  test('RetryAfter is run again when that says', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'limited',
          maxAttempts: 2,
          backoff: { delay: '1 hour' },
          execute: ({ job }) => {
            if (job.attempt === 1) throw new RetryAfter(20, 'rate limit')
          },
        }),
      ],
    })
    const id = await insertJob(database(), 'limited')
    await allFinished(database())
    expect(await readJob(database(), id)).toMatchObject({ status: 'completed', attempt: 2 })
  })

  test('Snooze begins anew, and has used up no attempt', async () => {
    let runs = 0
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'sleepy',
          execute: ({ job }) => {
            runs += 1
            expect(job.attempt).toBe(1)
            if (runs < 4) throw new Snooze(5, 'not there yet')
          },
        }),
      ],
    })
    const id = await insertJob(database(), 'sleepy')
    await allFinished(database())
    expect(runs).toBe(4)
    expect(await readJob(database(), id)).toMatchObject({ status: 'completed', attempt: 1 })
    expect(await attempts(id)).toEqual([])
  })
})

test('a payload that does not fit in what only the worker can check is not tried again', async () => {
  await startWorker(database(), {
    executors: [
      defineExecutor({
        type: 'typed',
        maxAttempts: 5,
        payload: z.object({ path: z.string().refine((path) => path.startsWith('/')) }),
        execute: () => undefined,
      }),
    ],
  })
  const id = await insertJob(database(), 'typed', { payload: { path: 'relative' } })
  await until(database(), "(select status = 'failed' from jobtable.job where id = $1)", [id])
  expect(await readJob(database(), id)).toMatchObject({ attempt: 1 })
})

test.each([
  () => new RetryAfter(-1, 'x'),
  () => new RetryAfter(NaN, 'x'),
  () => new Snooze(Infinity),
])('a delay that is none is refused: %s', (make) => {
  expect(make).toThrow(RangeError)
})
