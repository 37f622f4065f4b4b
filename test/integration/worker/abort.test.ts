import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { CancelledError, JobtableError, LeaseLostError, TimeoutError } from '../../../src/errors.ts'
import { type Context, defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, readJob } from '../../support/job.ts'
import {
  allFinished,
  cleanUpAfterEach,
  gate,
  next,
  startWorker,
  until,
} from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

/** Ends when its signal fires, with the signal's reason. */
const obedient = async ({ signal }: Context<unknown>): Promise<void> => {
  await sleep(60_000, undefined, { signal }).catch(() => undefined)
  signal.throwIfAborted()
}

async function lastAttempt(id: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await database().query(
    'select outcome, error_name, error_message from jobtable.job_attempt where job = $1 order by n desc limit 1',
    [id],
  )
  return row
}

async function cancel(id: string, reason?: string): Promise<void> {
  await database().query('select jobtable.cancel($1, $2)', [id, reason ?? null])
}

describe('a timeout', () => {
  test.each(['its type', 'the job'])(
    'of %s fires the signal, and the attempt has timed out',
    async (whose) => {
      const reasons: unknown[] = []
      const type = whose === 'its type' ? 'slow_type' : 'slow_job'
      await startWorker(database(), {
        executors: [
          defineExecutor({
            type,
            ...(whose === 'its type' ? { timeout: '50 ms' } : {}),
            execute: async (context) => {
              await obedient(context).finally(() => reasons.push(context.signal.reason))
            },
          }),
        ],
      })
      const id = await insertJob(database(), type, whose === 'the job' ? { timeout: '50 ms' } : {})
      await allFinished(database())
      expect(reasons).toEqual([expect.any(TimeoutError)])
      expect(await readJob(database(), id)).toMatchObject({
        status: 'failed',
        status_detail: 'the attempt took longer than its timeout of 0.05 s',
      })
      expect(await lastAttempt(id)).toMatchObject({
        outcome: 'timed_out',
        error_name: 'TimeoutError',
      })
    },
  )

  test('ends the attempt of an executor that is deaf, and frees its slot', async () => {
    const held = gate()
    const late = Promise.withResolvers<unknown>()
    await startWorker(database(), {
      concurrency: 1,
      abortGraceMs: 50,
      executors: [
        defineExecutor({
          type: 'deaf',
          maxAttempts: 2,
          timeout: '50 ms',
          backoff: { delay: '0 s' },
          execute: async ({ job, facet }) => {
            if (job.attempt > 1) return
            await held.opened
            facet('job_progress', { stage: 'late' }).then(late.resolve, late.resolve)
          },
        }),
      ],
    })
    const id = await insertJob(database(), 'deaf')
    await allFinished(database())
    expect(await readJob(database(), id)).toMatchObject({ status: 'completed', attempt: 2 })
    expect(await lastAttempt(id)).toMatchObject({
      outcome: 'timed_out',
      error_message: expect.stringContaining('its executor did not end'),
    })
    held.open()
    expect(await late.promise).toBeInstanceOf(LeaseLostError)
  })

  test('is nothing to an executor that completes its job within the grace period', async () => {
    await startWorker(database(), {
      executors: [
        defineExecutor({
          type: 'just',
          timeout: '30 ms',
          execute: async (context) => {
            await obedient(context).catch(() => undefined)
            return 'done all the same'
          },
        }),
      ],
    })
    const id = await insertJob(database(), 'just')
    await allFinished(database())
    expect(await readJob(database(), id)).toMatchObject({ status: 'completed' })
  })
})

describe('a cancel', () => {
  test.each(['LISTEN', 'a sign of life alone'])(
    'reaches a running executor by %s, with who asked and why, and ends cancelled',
    async (way) => {
      const type = way === 'LISTEN' ? 'heard' : 'told'
      const reasons: unknown[] = []
      const worker = await startWorker(database(), {
        heartbeatMs: way === 'LISTEN' ? 60_000 : 50,
        ...(way === 'LISTEN' ? {} : { listenConnectionString: null }),
        executors: [
          defineExecutor({
            type,
            maxAttempts: 5,
            execute: obedient,
            onAbort: ({ reason, job }) => {
              reasons.push([job.type, reason])
            },
          }),
        ],
      })
      if (way === 'LISTEN') await next(worker, 'listening')
      const begun = next(worker, 'begun')
      const id = await insertJob(database(), type)
      await begun
      await cancel(id, 'not wanted')
      await allFinished(database())
      expect(reasons).toEqual([[type, expect.any(CancelledError)]])
      const [role] = await database().query<{ name: string }>('select session_user::text as name')
      const message = `job ${id} was asked to stop by ${role?.name}: not wanted`
      expect(await readJob(database(), id)).toMatchObject({
        status: 'cancelled',
        status_detail: message,
      })
      expect(await lastAttempt(id)).toEqual({
        outcome: 'cancelled',
        error_name: 'CancelledError',
        error_message: message,
      })
    },
  )

  test('ends the attempt of an executor that is deaf', async () => {
    const held = gate()
    const worker = await startWorker(database(), {
      abortGraceMs: 20,
      heartbeatMs: 50,
      executors: [defineExecutor({ type: 'stubborn', execute: async () => await held.opened })],
    })
    const begun = next(worker, 'begun')
    const id = await insertJob(database(), 'stubborn')
    await begun
    await cancel(id)
    await until(database(), "(select status = 'cancelled' from jobtable.job where id = $1)", [id])
    held.open()
  })

  test('aborts the transaction that would complete the job, also one that hangs', async () => {
    const answers: unknown[] = []
    await database().query('create table if not exists effect (job bigint)')
    const worker = await startWorker(database(), {
      abortGraceMs: 50,
      heartbeatMs: 50,
      executors: [
        defineExecutor({
          type: 'transacts',
          execute: async ({ job, payload, transaction }) => {
            await transaction(async (client) => {
              await client.query('insert into effect values ($1)', [job.id])
              if (payload['hangs'] === true) await client.query('select pg_sleep(60)')
              else
                await until(database(), 'exists (select from jobtable.job where cancel_requested)')
            }).catch((error: unknown) => {
              answers.push(error)
              throw error
            })
          },
        }),
      ],
    })
    for (const hangs of [false, true]) {
      const begun = next(worker, 'begun')
      const id = await insertJob(database(), 'transacts', { payload: { hangs } })
      await begun
      await cancel(id)
      await until(database(), "(select status = 'cancelled' from jobtable.job where id = $1)", [id])
    }
    await expect.poll(() => answers.length).toBe(2)
    expect(await database().query('select from effect')).toEqual([])
    await until(
      database(),
      "not exists (select from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active' and datname = current_database())",
      [],
      30_000,
    )
  })

  test('is refused by a second transaction once the attempt is over', async () => {
    const late = Promise.withResolvers<unknown>()
    const held = gate()
    const worker = await startWorker(database(), {
      abortGraceMs: 20,
      heartbeatMs: 50,
      executors: [
        defineExecutor({
          type: 'late',
          execute: async ({ transaction }) => {
            await held.opened
            transaction(async () => undefined).then(late.resolve, late.resolve)
          },
        }),
      ],
    })
    const begun = next(worker, 'begun')
    const id = await insertJob(database(), 'late')
    await begun
    await cancel(id)
    await until(database(), "(select status = 'cancelled' from jobtable.job where id = $1)", [id])
    held.open()
    expect(await late.promise).toBeInstanceOf(LeaseLostError)
  })
})

test('an onAbort that fails is told of and harms nothing', async () => {
  const worker = await startWorker(database(), {
    heartbeatMs: 50,
    executors: [
      defineExecutor({
        type: 'fails_to_clean',
        execute: obedient,
        onAbort: () => {
          throw new JobtableError('x', 'cannot clean up')
        },
      }),
    ],
  })
  const begun = next(worker, 'begun')
  const id = await insertJob(database(), 'fails_to_clean')
  await begun
  await cancel(id)
  await allFinished(database())
  expect(await readJob(database(), id)).toMatchObject({ status: 'cancelled' })
})
