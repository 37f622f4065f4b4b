import { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { allFinished, cleanUpAfterEach, next, startWorker, until } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

/** So rarely that no test lives to see it: what runs was woken. */
const NEVER_MS = 3_600_000

const noop = defineExecutor({ type: 'noop', execute: () => undefined })

async function countJobs(status: string): Promise<number> {
  const [row] = await database().query<{ n: number }>(
    'select count(*)::integer as n from jobtable.job where status::text = $1',
    [status],
  )
  return row?.n ?? 0
}

describe('with the safety poll at one hour', () => {
  test('a COPY of 100,000 rows is one wake-up, and all of them run', async () => {
    const worker = await startWorker(database(), {
      executors: [noop],
      concurrency: 500,
      pollMs: NEVER_MS,
    })
    await next(worker, 'listening')
    await next(worker, 'idle')
    let wakes = 0
    worker.events.on('woken', () => {
      wakes += 1
    })
    await copyJobs(100_000, 'commit')
    await allFinished(database())
    expect(await countJobs('completed')).toBe(100_000)
    expect(wakes).toBe(1)
  })

  test('a worker is woken by jobs of its own types alone, and by a call to all', async () => {
    const foreign = defineExecutor({ type: 'foreign', execute: () => undefined })
    const other = await startWorker(database(), { executors: [foreign], pollMs: NEVER_MS })
    await next(other, 'idle')
    const worker = await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await next(worker, 'listening')
    await next(worker, 'idle')
    let wakes = 0
    worker.events.on('woken', () => {
      wakes += 1
    })
    const sleeps = next(other, 'idle')
    await database().query("insert into jobtable.job (type) values ('foreign')")
    await sleeps
    await allFinished(database())
    expect(wakes).toBe(0)
    await database().query("insert into jobtable.job (type) values ('foreign'), ('noop')")
    await allFinished(database())
    expect(wakes).toBe(1)
    const woken = next(worker, 'woken')
    await database().query("select pg_notify('jobtable_ready', '')")
    await woken
  })

  test('a COPY that is rolled back wakes nobody and runs nothing', async () => {
    const worker = await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await next(worker, 'listening')
    await next(worker, 'idle')
    let wakes = 0
    worker.events.on('woken', () => {
      wakes += 1
    })
    await copyJobs(1_000, 'rollback')
    const woken = next(worker, 'woken')
    await database().query("insert into jobtable.job (type) values ('noop')")
    await woken
    await allFinished(database())
    expect(wakes).toBe(1)
    expect(await countJobs('completed')).toBe(1)
  })

  test('a job runs when its run_at comes, whether put in before or after another', async () => {
    const worker = await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await next(worker, 'listening')
    const rows = await database().query<{ id: string }>(
      `insert into jobtable.job (type, run_at)
       values ('noop', now() + interval '0.6 s'), ('noop', now() + interval '1 hour') returning id`,
    )
    await database().query(
      `insert into jobtable.job (type, run_at) values ('noop', now() + interval '0.3 s')`,
    )
    await until(database(), "(select count(*) = 2 from jobtable.job where status = 'completed')")
    const late = await database().query<{ ms: number }>(
      `select extract(epoch from started_at - run_at)::float8 * 1000 as ms
       from jobtable.job where status = 'completed'`,
    )
    for (const { ms } of late) {
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(ms).toBeLessThan(500)
    }
    await database().query('update jobtable.job set run_at = now() where id = $1', [rows[1]?.id])
    await allFinished(database())
  })

  test('a paused job runs when it is paused no more', async () => {
    const worker = await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await next(worker, 'listening')
    const [row] = await database().query<{ id: string }>(
      "insert into jobtable.job (type, paused) values ('noop', true), ('noop', false) returning id",
    )
    await until(database(), "(select count(*) = 1 from jobtable.job where status = 'completed')")
    expect(await countJobs('new')).toBe(1)
    await database().query('update jobtable.job set paused = false where id = $1', [row?.id])
    await allFinished(database())
  })

  test('the listening connection is killed: jobs go on, and the wake-up is back', async () => {
    const worker = await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await next(worker, 'listening')
    for (let round = 0; round < 3; round += 1) {
      const deaf = next(worker, 'listening')
      await database().query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'jobtable:listen:%'`,
      )
      expect((await deaf)[0]).toEqual(expect.any(String))
      await next(worker, 'listening')
      // A worker that is looking is not woken.
      await next(worker, 'idle')
      const woken = next(worker, 'woken')
      await database().query("insert into jobtable.job (type) values ('noop')")
      await woken
      await allFinished(database())
    }
    expect(await countJobs('completed')).toBe(3)
  })

  test('a job inserted while nobody listens is found when the connection is made again', async () => {
    const worker = await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await next(worker, 'listening')
    const deaf = next(worker, 'listening')
    await database().query(
      `with killed as materialized (
         select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name like 'jobtable:listen:%'
       )
       insert into jobtable.job (type) select 'noop' from killed`,
    )
    await deaf
    await allFinished(database())
  })

  test('two-phase commit works with jobtable.notify off; such jobs are found by looking', async ({
    skip,
  }) => {
    const [row] = await database().query<{ max: string }>(
      "select current_setting('max_prepared_transactions') as max",
    )
    skip(row?.max === '0', 'max_prepared_transactions is 0')
    const client = await database().pool.connect()
    try {
      await client.query('begin')
      await client.query("set local jobtable.notify = 'off'")
      await client.query("insert into jobtable.job (type) values ('noop')")
      await client.query("prepare transaction 'jobtable_test'")
      await client.query("commit prepared 'jobtable_test'")
    } finally {
      client.release()
    }
    await startWorker(database(), { executors: [noop], pollMs: NEVER_MS })
    await allFinished(database())
  })
})

test('without LISTEN, polling finds every job', async () => {
  await startWorker(database(), { executors: [noop], listenConnectionString: null, pollMs: 20 })
  await database().query(
    "insert into jobtable.job (type) select 'noop' from generate_series(1, 100)",
  )
  await allFinished(database())
  expect(await countJobs('completed')).toBe(100)
})

/** Copies plain jobs in a transaction of its own. */
async function copyJobs(count: number, end: 'commit' | 'rollback'): Promise<void> {
  const { from } = await import('pg-copy-streams')
  const { pipeline } = await import('node:stream/promises')
  const pool = new Pool({ connectionString: database().url, max: 1 })
  const client = await pool.connect()
  try {
    await client.query('begin')
    const sink = client.query(from('copy jobtable.job (type, payload) from stdin'))
    await pipeline(rows(count), sink)
    await client.query(end)
  } finally {
    client.release()
    await pool.end()
  }
}

function* rows(count: number): Iterable<string> {
  for (let i = 0; i < count; i += 1000) yield 'noop\t{"n": 1}\n'.repeat(Math.min(1000, count - i))
}
