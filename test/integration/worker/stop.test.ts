import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { Worker } from '../../../src/worker.ts'
import { interceptAnswers } from '../../support/answers.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
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

async function statuses(): Promise<Record<string, number>> {
  const rows = await database().query<{ status: string; n: number }>(
    'select status, count(*)::integer as n from jobtable.job group by status',
  )
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]))
}

describe('a worker that is stopped', () => {
  test('lets running jobs finish, and gives back what has not begun', async () => {
    const held = gate()
    const worker = await startWorker(database(), {
      concurrency: 2,
      prefetch: 3,
      graceMs: 20_000,
      executors: [defineExecutor({ type: 'stopping', execute: async () => await held.opened })],
    })
    const bothBegun = Promise.withResolvers<void>()
    let begun = 0
    worker.events.on('begun', () => {
      begun += 1
      if (begun === 2) bothBegun.resolve()
    })
    await database().query(
      "insert into jobtable.job (type) select 'stopping' from generate_series(1, 10)",
    )
    await until(database(), "(select count(*) = 3 from jobtable.job where status = 'queued')")
    await bothBegun.promise
    const stopped = worker.stop()
    await until(database(), "(select count(*) = 8 from jobtable.job where status = 'new')")
    held.open()
    await stopped
    expect(await statuses()).toEqual({ completed: 2, new: 8 })
    const [untouched] = await database().query(
      "select bool_and(attempt = 0 and worker is null and queued_at is null) as ok from jobtable.job where status = 'new'",
    )
    expect(untouched).toEqual({ ok: true })
  })

  test('gives back what was to begin in a tick that the database refuses meanwhile', async () => {
    const held = gate()
    const refused = gate()
    const stopping = gate()
    using _ = interceptAnswers(async ({ text, values, send }) => {
      const begins = text.includes('jobtable_internal.tick(') && (values[5] as string[]).length > 0
      if (!begins) return await send()
      refused.open()
      await stopping.opened
      throw Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' })
    })
    const worker = await startWorker(database(), {
      concurrency: 1,
      prefetch: 1,
      executors: [defineExecutor({ type: 'refused', execute: async () => await held.opened })],
    })
    await insertJobs(database(), 'refused', 2)
    await until(database(), "(select count(*) = 1 from jobtable.job where status = 'queued')")
    held.open()
    await refused.opened
    const stopped = worker.stop()
    stopping.open()
    await stopped
    expect(await statuses()).toEqual({ completed: 1, new: 1 })
  })

  test('at any moment leaves nothing queued or started', async () => {
    for (let i = 0; i < 25; i += 1) {
      const worker = await startWorker(database(), {
        concurrency: 3,
        prefetch: 4,
        graceMs: 20_000,
        executors: [defineExecutor({ type: 'any_moment', execute: async () => await delay(2) })],
      })
      await database().query(
        "insert into jobtable.job (type) select 'any_moment' from generate_series(1, 40)",
      )
      await delay(i)
      await worker.stop()
      const [held] = await database().query(
        "select count(*)::integer as n from jobtable.job where status in ('queued', 'started')",
      )
      expect(held).toEqual({ n: 0 })
    }
    expect(await database().query('select * from jobtable_internal.claim')).toEqual([])
  })

  test('fires the signal after the grace period; an attempt that ends by it is not counted', async () => {
    const worker = await startWorker(database(), {
      graceMs: 50,
      executors: [
        defineExecutor({
          type: 'listens',
          async execute({ signal }) {
            const fired = Promise.withResolvers<never>()
            signal.addEventListener('abort', () => fired.reject(signal.reason as Error))
            await fired.promise
          },
        }),
      ],
    })
    const begun = next(worker, 'begun')
    await database().query("insert into jobtable.job (type) values ('listens')")
    await begun
    await worker.stop()
    const [row] = await database().query('select * from jobtable.job')
    expect(row).toMatchObject({
      status: 'new',
      attempt: 1,
      uncharged: 1,
      worker: null,
      lease: null,
    })
    const [attempt] = await database().query('select * from jobtable.job_attempt')
    expect(attempt).toMatchObject({ n: 1, outcome: 'released', error_name: 'ShutdownError' })
    const other = await startWorker(database(), {
      executors: [defineExecutor({ type: 'listens', execute: () => 'second' })],
    })
    await allFinished(database())
    expect((await database().query('select status, attempt from jobtable.job'))[0]).toEqual({
      status: 'completed',
      attempt: 2,
    })
    await other.stop()
  })

  test('gives back the job of an executor that is deaf to its signal', async () => {
    const held = gate()
    const worker = await startWorker(database(), {
      graceMs: 0,
      abortGraceMs: 50,
      executors: [defineExecutor({ type: 'deaf', execute: async () => await held.opened })],
    })
    const begun = next(worker, 'begun')
    await database().query("insert into jobtable.job (type) values ('deaf')")
    await begun
    await worker.stop()
    expect(await statuses()).toEqual({ new: 1 })
    held.open()
  })

  test('fires the signals at once when it is told a second time', async () => {
    const worker = await startWorker(database(), {
      graceMs: 60_000,
      executors: [
        defineExecutor({
          type: 'patient',
          async execute({ signal }) {
            const fired = Promise.withResolvers<never>()
            signal.addEventListener('abort', () => fired.reject(new Error('stopped')))
            await fired.promise
          },
        }),
      ],
    })
    const begun = next(worker, 'begun')
    await database().query("insert into jobtable.job (type) values ('patient')")
    await begun
    const stopped = worker.stop()
    void worker.stop()
    await stopped
    expect(await statuses()).toEqual({ new: 1 })
  })

  test('says so in its row, and leaves no receipt behind', async () => {
    const worker = await startWorker(database(), {
      executors: [defineExecutor({ type: 'short', execute: () => undefined })],
    })
    await database().query(
      "insert into jobtable.job (type) select 'short' from generate_series(1, 20)",
    )
    await allFinished(database())
    await worker.stop()
    const [row] = await database().query('select * from jobtable.worker where id = $1', [worker.id])
    expect(row).toMatchObject({ running: 0, types: ['short'], capacity: 10, pid: process.pid })
    expect(row?.['stopped_at']).toEqual(expect.any(Date))
    expect(await database().query('select * from jobtable_internal.claim')).toEqual([])
  })

  test('while it starts is stopped once it has', async () => {
    const asked = gate()
    const held = gate()
    using _ = interceptAnswers(async ({ text, send }) => {
      const answer = await send()
      if (!text.includes('start_worker(')) return answer
      asked.open()
      await held.opened
      return answer
    })
    const worker = new Worker({
      connectionString: database().url,
      executors: [defineExecutor({ type: 'short', execute: () => undefined })],
    })
    const troubles: unknown[] = []
    worker.events.on('trouble', (error) => troubles.push(error))
    const started = worker.start()
    await asked.opened
    const stopped = worker.stop()
    held.open()
    await Promise.allSettled([started, stopped])
    expect(troubles).toEqual([])
    expect(
      await database().query(
        'select stopped_at is not null as stopped from jobtable.worker order by id desc limit 1',
      ),
    ).toEqual([{ stopped: true }])
  })

  test('before it has started, or twice, does no harm', async () => {
    const executors = [defineExecutor({ type: 'short', execute: () => undefined })]
    await new Worker({ connectionString: database().url, executors }).stop()
    const worker = await startWorker(database(), { executors })
    await Promise.all([worker.stop(), worker.stop()])
    await worker.stop()
    const [row] = await database().query(
      'select stopped_at is not null as stopped from jobtable.worker where id = $1',
      [worker.id],
    )
    expect(row).toEqual({ stopped: true })
  })
})

describe('a started job that is asked to stop', () => {
  test.each(['notification', 'heartbeat'])(
    'by %s ends cancelled when its executor gives up',
    async (how) => {
      const worker = await startWorker(database(), {
        heartbeatMs: how === 'heartbeat' ? 50 : 3_600_000,
        ...(how === 'heartbeat' ? { listenConnectionString: null } : {}),
        pollMs: 50,
        executors: [
          defineExecutor({
            type: 'obeys',
            async execute({ signal }) {
              const fired = Promise.withResolvers<never>()
              signal.addEventListener('abort', () => fired.reject(signal.reason as Error))
              await fired.promise
            },
          }),
        ],
      })
      if (how === 'notification') await next(worker, 'listening')
      const begun = next(worker, 'begun')
      const [row] = await database().query<{ id: string }>(
        "insert into jobtable.job (type) values ('obeys') returning id",
      )
      await begun
      await database().query('update jobtable.job set cancel_requested = true where id = $1', [
        row?.id,
      ])
      await allFinished(database())
      expect((await database().query('select * from jobtable.job'))[0]).toMatchObject({
        status: 'cancelled',
        status_detail: expect.stringMatching(`^job ${row?.id} was asked to stop by `),
        failed_at: null,
      })
      expect((await database().query('select outcome from jobtable.job_attempt'))[0]).toEqual({
        outcome: 'cancelled',
      })
    },
  )

  test('and whose executor finishes all the same is completed', async () => {
    const held = gate()
    const worker = await startWorker(database(), {
      executors: [defineExecutor({ type: 'finishes', execute: async () => await held.opened })],
    })
    const begun = next(worker, 'begun')
    await database().query("insert into jobtable.job (type) values ('finishes')")
    await begun
    await database().query('update jobtable.job set cancel_requested = true')
    held.open()
    await allFinished(database())
    expect(await statuses()).toEqual({ completed: 1 })
  })
})
