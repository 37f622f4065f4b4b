import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../src/errors.ts'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
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

describe('DELETE against start', () => {
  test('200 races: each job is deleted and never begun, or its DELETE refused and it finishes', async () => {
    const begun = new Set<string>()
    await startWorker(database(), {
      concurrency: 50,
      executors: [
        defineExecutor({
          type: 'raced',
          async execute({ job }) {
            begun.add(job.id)
            // Long enough for a DELETE to meet it.
            await delay(3)
          },
        }),
      ],
    })
    const deleted = new Set<string>()
    const refused = new Set<string>()
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = new pg.Client({ connectionString: database().url })
        await client.connect()
        return client
      }),
    )
    // The pause before the DELETE follows the moment of the start: longer after it was early, shorter
    // after it was late.
    await Promise.all(
      clients.map(async (client) => {
        let pauseMs = 1
        for (let i = 0; i < 50; i += 1) {
          const { rows } = await client.query<{ id: string }>(
            "insert into jobtable.job (type) values ('raced') returning id",
          )
          const id = rows[0]?.id ?? ''
          if (pauseMs > 0) await client.query('select pg_sleep($1)', [pauseMs / 1000])
          let early = false
          try {
            const { rowCount } = await client.query('delete from jobtable.job where id = $1', [id])
            // A finished job's DELETE removes it from the record: neither outcome of the race.
            early = rowCount === 1 && !begun.has(id)
            if (early) deleted.add(id)
          } catch (error) {
            if (codeOf(error) !== 'JT006') throw error
            refused.add(id)
          }
          pauseMs = early ? pauseMs + 0.3 : Math.max(0, pauseMs - 0.3)
        }
      }),
    )
    await Promise.all(clients.map(async (client) => await client.end()))
    await allFinished(database())
    for (const id of deleted) expect(begun).not.toContain(id)
    for (const id of refused) expect(begun).toContain(id)
    const rows = await database().query<{ id: string; status: string }>(
      "select id, status from jobtable.job where type = 'raced'",
    )
    for (const { id, status } of rows) {
      expect(status).toBe('completed')
      expect(deleted).not.toContain(id)
    }
    expect(deleted.size).toBeGreaterThanOrEqual(20)
    expect(refused.size).toBeGreaterThanOrEqual(20)
  })

  test('forced: the DELETE holds the row first, so the job never begins', async () => {
    const begun: string[] = []
    await startWorker(database(), {
      executors: [
        defineExecutor({ type: 'forced', execute: ({ job }) => void begun.push(job.id) }),
      ],
    })
    await expectForced(async (client, id) => {
      await client.query('delete from jobtable.job where id = $1', [id])
    }, 'commit')
    await expectNoJobs('forced')
    expect(begun).toEqual([])
  })

  test('forced: the DELETE is rolled back, so the job runs after all', async () => {
    const begun: string[] = []
    await startWorker(database(), {
      executors: [
        defineExecutor({ type: 'forced', execute: ({ job }) => void begun.push(job.id) }),
      ],
    })
    const id = await expectForced(async (client, job) => {
      await client.query('delete from jobtable.job where id = $1', [job])
    }, 'rollback')
    await allFinished(database())
    expect(begun).toEqual([id])
  })

  test('forced: the start holds the row first, so the DELETE waits and is refused', async () => {
    const [row] = await database().query<{ id: string }>(
      "insert into jobtable.job (type) values ('forced') returning id",
    )
    const starter = new pg.Client({ connectionString: database().url })
    const deleter = new pg.Client({ connectionString: database().url })
    await Promise.all([starter.connect(), deleter.connect()])
    await starter.query('begin')
    const [type] = await database().query<{ id: number }>(
      "select id from jobtable.job_type where name = 'forced'",
    )
    const lane = (type?.id ?? 0) * 65_536
    await starter.query(
      `select jobtable_internal.tick(
         jobtable_internal.start_worker(null, 'by-hand', 1, '0', '{}', '{}', 10, 60000, 180000), 42,
         '{}', '{}', '[]', '{}', '{}',
         array[$1::bigint], array[$1::bigint + 65536], array[10], 10, 0, false, false, false)`,
      [lane],
    )
    const refused = deleter
      .query('delete from jobtable.job where id = $1', [row?.id])
      .catch((e: unknown) => e)
    await until(
      database(),
      `exists (select from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock')`,
    )
    await starter.query('commit')
    expect(await refused).toMatchObject({
      code: 'JT006',
      message: `job ${row?.id} has started and can no longer be cancelled by DELETE`,
      hint: `update jobtable.job set cancel_requested = true where id = ${row?.id}`,
    })
    await Promise.all([starter.end(), deleter.end()])
    await database().query(
      `select jobtable_internal.tick(1, 43, array[$1::bigint], '{42}', '[]', '{}', '{}',
         '{}', '{}', '{}', 0, 0, false, false, false)`,
      [row?.id],
    )
  })
})

describe('rows that a client has locked', () => {
  test('are passed over, new or started; every other job flows, and they go on when released', async () => {
    const held = gate()
    const worker = await startWorker(database(), {
      concurrency: 4,
      executors: [
        defineExecutor({ type: 'waits', execute: async () => await held.opened }),
        defineExecutor({ type: 'flows', execute: () => undefined }),
      ],
    })
    const begun = next(worker, 'begun')
    const [started] = await database().query<{ id: string }>(
      "insert into jobtable.job (type) values ('waits') returning id",
    )
    await begun
    const client = new pg.Client({ connectionString: database().url })
    await client.connect()
    await client.query('begin')
    const { rows } = await client.query<{ id: string }>(
      "insert into jobtable.job (type, paused) values ('flows', true) returning id",
    )
    const fresh = rows[0]?.id
    await client.query('commit')
    await client.query('begin')
    await client.query('select from jobtable.job where id = any ($1) for update', [
      [fresh, started?.id],
    ])
    await database().query(
      "insert into jobtable.job (type) select 'flows' from generate_series(1, 500)",
    )
    held.open()
    await until(
      database(),
      "(select count(*) = 500 from jobtable.job where type = 'flows' and status = 'completed')",
    )
    const [still] = await database().query<{ status: string }>(
      'select status from jobtable.job where id = $1',
      [started?.id],
    )
    expect(still?.status).toBe('started')
    await client.query('update jobtable.job set paused = false where id = $1', [fresh])
    await client.query('commit')
    await client.end()
    await allFinished(database())
  })

  test('a whole backlog locked by one transaction does not stop later jobs', async () => {
    await database().query(`select jobtable_internal.register_type('flows', '{}', null)`)
    await database().query(
      "insert into jobtable.job (type) select 'flows' from generate_series(1, 5000)",
    )
    const client = new pg.Client({ connectionString: database().url })
    await client.connect()
    await client.query('begin')
    await client.query("update jobtable.job set title = 'mine'")
    await database().query(
      "insert into jobtable.job (type) select 'flows' from generate_series(1, 100)",
    )
    await startWorker(database(), {
      executors: [defineExecutor({ type: 'flows', execute: () => undefined })],
    })
    await until(database(), "(select count(*) = 100 from jobtable.job where status = 'completed')")
    await client.query('commit')
    await client.end()
    await allFinished(database())
  })
})

/** Inserts a job and acts on it in one transaction of a client, while a worker wants it. */
async function expectForced(
  act: (client: pg.Client, id: string) => Promise<void>,
  end: 'commit' | 'rollback',
): Promise<string> {
  const client = new pg.Client({ connectionString: database().url })
  await client.connect()
  // A paused job cannot start; un-pausing and locking it in one statement forces the order.
  const { rows } = await client.query<{ id: string }>(
    "insert into jobtable.job (type, paused) values ('forced', true) returning id",
  )
  const id = rows[0]?.id ?? ''
  await client.query('begin')
  await client.query('select from jobtable.job where id = $1 for update', [id])
  await client.query('savepoint taken')
  await act(client, id)
  // The entry that the worker finds, as if the job had been ready all along.
  await database().query(
    `insert into jobtable_internal.ready (lane, ids)
     select jobtable_internal.lane(id, 0::smallint), array[$1::bigint]
     from jobtable.job_type where name = 'forced'`,
    [id],
  )
  await database().query("select pg_notify('jobtable_ready', '')")
  await until(database(), 'not exists (select from jobtable_internal.ready)')
  if (end === 'rollback') {
    await client.query('rollback to savepoint taken')
    await client.query('update jobtable.job set paused = false where id = $1', [id])
  }
  await client.query('commit')
  await client.end()
  return id
}

async function expectNoJobs(type: string): Promise<void> {
  expect(await database().query('select id from jobtable.job where type = $1', [type])).toEqual([])
}
