import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import type { Worker } from '../../../src/worker.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJobs } from '../../support/job.ts'
import {
  allFinished,
  cleanUpAfterEach,
  type Gate,
  gate,
  startWorker,
  until,
} from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

const TYPE = 'changing'

/** A worker that has found the jobs of a type to be short, and a gate at which the next ones wait. */
async function startShort(concurrency: number): Promise<{
  worker: Worker
  shut: () => Gate
  begun: string[]
}> {
  await database().query(
    `insert into jobtable.job_type (name) values ($1) on conflict do nothing`,
    [TYPE],
  )
  let closed: Gate | undefined
  const begun: string[] = []
  const worker = await startWorker(database(), {
    concurrency,
    executors: [
      defineExecutor({
        type: TYPE,
        async execute({ job }) {
          begun.push(job.id)
          await closed?.opened
        },
      }),
    ],
  })
  await insertJobs(database(), TYPE, 200)
  await allFinished(database())
  begun.length = 0
  return { worker, begun, shut: () => (closed = gate()) }
}

async function counts(): Promise<Record<string, number>> {
  const rows = await database().query<{ status: string; n: number }>(
    `select status, count(*)::integer as n from jobtable.job
     where finished_at is null group by status`,
  )
  return Object.fromEntries(rows.map((row) => [row.status, row.n]))
}

describe('jobs of a short type, started ahead of free slots,', () => {
  test('never run more at once than the worker may run', async () => {
    await addTypes(database(), 'counted')
    let running = 0
    let most = 0
    await startWorker(database(), {
      concurrency: 3,
      executors: [
        defineExecutor({
          type: 'counted',
          async execute() {
            running += 1
            most = Math.max(most, running)
            await delay(Math.random() * 2)
            running -= 1
          },
        }),
      ],
    })
    await insertJobs(database(), 'counted', 1_000)
    await allFinished(database())
    expect(most).toBe(3)
  })

  test('are given back as if they had never started, when those before them take their time', async () => {
    const { begun, shut } = await startShort(2)
    const held = shut()
    await insertJobs(database(), TYPE, 50)
    await until(
      database(),
      `2 = (select count(*) from jobtable.job where status = 'started')
       and 48 = (select count(*) from jobtable.job where status = 'new')`,
    )
    expect(begun).toHaveLength(2)
    const untouched = await database().query(
      `select distinct attempt, uncharged, started_at, queued_at, lease, worker
       from jobtable.job where status = 'new'`,
    )
    expect(untouched).toEqual([
      { attempt: 0, uncharged: 0, started_at: null, queued_at: null, lease: null, worker: null },
    ])
    held.open()
    await allFinished(database())
    expect(begun).toHaveLength(50)
    const [row] = await database().query(
      `select max(attempt) as most, (select count(*)::integer from jobtable.job_attempt) as attempts
       from jobtable.job`,
    )
    expect(row).toEqual({ most: 1, attempts: 0 })
  })

  test('are given back when the worker stops', async () => {
    const { worker, begun, shut } = await startShort(2)
    const held = shut()
    await insertJobs(database(), TYPE, 50)
    await until(database(), "exists (select from jobtable.job where status = 'started')")
    const stopped = worker.stop()
    held.open()
    await stopped
    expect(await counts()).not.toHaveProperty('started')
    const [row] = await database().query(
      `select count(*)::integer as jobs, coalesce(max(attempt), 0) as most from jobtable.job where status = 'new'`,
    )
    expect(Number(row?.['jobs']) + begun.length).toBeGreaterThanOrEqual(50)
    expect(row?.['most']).toBe(0)
  })

  // A machine that stands still for 100 ms has given them back before they could be cancelled.
  test('are cancelled without ever beginning', { retry: 3 }, async () => {
    const { begun, shut } = await startShort(1)
    const held = shut()
    const ids = await insertJobs(database(), TYPE, 10)
    const last = ids.at(-1) ?? ''
    await until(database(), "(select status = 'started' from jobtable.job where id = $1)", [last])
    await database().query(
      `update jobtable.job set cancel_requested = true where id = $1 and status = 'started'`,
      [last],
    )
    await until(database(), "(select status = 'cancelled' from jobtable.job where id = $1)", [last])
    held.open()
    await allFinished(database())
    expect(begun.toSorted()).toEqual(ids.slice(0, -1).toSorted())
  })

  test('leave their turn to other types', async () => {
    await addTypes(database(), 'flood', 'slow')
    const waits = gate()
    await startWorker(database(), {
      concurrency: 2,
      executors: [
        defineExecutor({ type: 'flood', execute: () => undefined }),
        defineExecutor({ type: 'slow', execute: async () => await waits.opened }),
      ],
    })
    await insertJobs(database(), 'flood', 20_000)
    await insertJobs(database(), 'slow', 1)
    await until(
      database(),
      "exists (select from jobtable.job where type = 'slow' and status = 'started')",
    )
    waits.open()
    await allFinished(database())
    expect(await counts()).toEqual({})
  })

  test('come in large batches, although the worker has types of which it knows nothing', async () => {
    const types = ['short', 'unknown', 'unknown_too', 'rare']
    await addTypes(database(), ...types)
    let rareAfter = Infinity
    let done = 0
    const worker = await startWorker(database(), {
      concurrency: 5,
      executors: types.map((type) =>
        defineExecutor({
          type,
          execute() {
            done += 1
            if (type === 'rare') rareAfter = done
          },
        }),
      ),
    })
    await insertJobs(database(), 'short', 200)
    await allFinished(database())
    const batches: number[] = []
    worker.events.on('claimed', (jobs) => batches.push(jobs.length))
    done = 0
    await database().query(
      `insert into jobtable.job (type)
       select case n when 20000 then 'rare' else 'short' end from generate_series(1, 20000) n`,
    )
    await allFinished(database())
    const small = batches.filter((size) => size <= 5).length
    expect(small / batches.length).toBeLessThan(0.25)
    // Nobody waits until those of a busy type are through.
    expect(rareAfter).toBeLessThan(10_000)
  })
})
