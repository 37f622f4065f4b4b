import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { allFinished, cleanUpAfterEach, next, startWorker } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

describe('when connections break', () => {
  test('again and again in the middle of ticks, every job runs exactly once', async () => {
    const runs = new Map<string, number>()
    const worker = await startWorker(database(), {
      concurrency: 20,
      executors: [
        defineExecutor({
          type: 'counted',
          async execute({ job, payload, facet }) {
            expect(payload).toMatchObject({ n: expect.any(Number) })
            runs.set(job.id, (runs.get(job.id) ?? 0) + 1)
            if (Number(job.id) % 10 === 0) await facet('broken_facet', { n: 1 })
          },
        }),
      ],
    })
    let troubles = 0
    worker.events.on('trouble', () => {
      troubles += 1
    })
    let answers = 0
    for (const event of ['claimed', 'finished'] as const) {
      worker.events.on(event, () => {
        answers += 1
      })
    }
    await database().query(
      `create table broken_facet (job bigint primary key references jobtable.job on delete cascade, n int)`,
    )
    let broken = 0
    const breaking = new AbortController()
    const breaker = (async () => {
      for (let seen = 0; !breaking.signal.aborted; await delay(40)) {
        // However slow the machine is: some tick has come through since.
        if (answers === seen) continue
        seen = answers
        const rows = await database().query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'jobtable:worker'
             and (state = 'active' or random() < 0.1)`,
        )
        broken += rows.length
      }
    })()
    let jobs = 0
    const enough = (): boolean => jobs >= 4_000 && troubles > 5
    try {
      // Until enough has been broken, however fast the machine is.
      while (!enough()) {
        // Every other one is fetched by a statement of its own.
        await database().query(
          `insert into jobtable.job (type, payload)
           select 'counted', jsonb_build_object('n', n, 'text', repeat('x', n % 2 * 1000))
           from generate_series(1, 1000) n`,
        )
        jobs += 1_000
        await allFinished(database())
      }
    } finally {
      breaking.abort()
      await breaker
    }
    expect(broken).toBeGreaterThan(5)
    const [counts] = await database().query(
      `select count(*) filter (where status = 'completed')::integer as completed,
         count(*) filter (where attempt = 1)::integer as once from jobtable.job`,
    )
    expect(counts).toEqual({ completed: jobs, once: jobs })
    expect([...runs.values()].every((n) => n === 1)).toBe(true)
    expect(runs.size).toBe(jobs)
  })

  test('the worker says so once it is well again', async () => {
    const worker = await startWorker(database(), {
      pollMs: 10,
      executors: [defineExecutor({ type: 'counted', execute: () => undefined })],
    })
    const trouble = next(worker, 'trouble')
    await database().query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'jobtable:worker'`,
    )
    await trouble
    // The next tick is fine, and the one after a failure tells so.
    await database().query("insert into jobtable.job (type) values ('counted')")
    await allFinished(database())
  })
})
