import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { allFinished, cleanUpAfterEach, next, startWorker } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

/** So rarely that no test lives to see it: what runs was woken, or seen by a look that was due. */
const NEVER_MS = 3_600_000

const CLIENTS = 4
const ROUNDS = 100
const TYPES = ['short', 'long', 'shared', 'scheduled'] as const

const executors = {
  short: defineExecutor({ type: 'short', execute: () => undefined }),
  long: defineExecutor({ type: 'long', execute: async () => await delay(Math.random() * 20) }),
  shared: defineExecutor({ type: 'shared', execute: async () => await delay(Math.random()) }),
  scheduled: defineExecutor({ type: 'scheduled', execute: () => undefined }),
}

/** Mostly quick, now and then slow: a transaction that outlives several looks of a worker. */
function pauseMs(): number {
  return chance(0.01) ? 100 + Math.random() * 200 : Math.random() * 20
}

function chance(share: number): boolean {
  return Math.random() < share
}

/** A transaction of any shape, which inserts a few jobs or takes them back. */
async function insertSomehow(pool: Pool): Promise<void> {
  const client = await pool.connect()
  const insert = async (): Promise<void> => {
    const type = TYPES[Math.floor(Math.random() * TYPES.length)]
    const later = type === 'scheduled' ? 50 : 0
    await client.query(
      `insert into jobtable.job (type, run_at)
       select $1, now() + $2 * interval '1 ms' from generate_series(1, $3)`,
      [type, later, 1 + Math.floor(Math.random() * 3)],
    )
  }
  await delay(Math.random() * 4)
  await client.query('begin')
  await insert()
  if (chance(0.3)) {
    await client.query('savepoint s')
    await insert()
    if (chance(0.5)) await client.query('rollback to savepoint s')
  }
  await delay(pauseMs())
  await client.query(chance(0.2) ? 'rollback' : 'commit')
  client.release()
}

test('no wake-up is lost, whatever clients’ transactions do, though most of them notify nobody', async () => {
  await addTypes(database(), ...TYPES)
  for (const [concurrency, ...types] of [
    [10, executors.short, executors.shared],
    [3, executors.long, executors.shared, executors.scheduled],
  ] as const) {
    const options = { executors: types, concurrency, pollMs: NEVER_MS }
    await next(await startWorker(database(), options), 'listening')
  }
  const pool = new Pool({ connectionString: database().url, max: CLIENTS })
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all(Array.from({ length: CLIENTS }, async () => await insertSomehow(pool)))
    // Nobody else comes to wake the workers for a job that was missed.
    await expect(allFinished(database())).resolves.toBeUndefined()
  }
  await pool.end()
})

test('a transaction that saw a worker look and commits when it sleeps again is found', async () => {
  const worker = await startWorker(database(), { executors: [executors.short], pollMs: NEVER_MS })
  await next(worker, 'listening')
  await next(worker, 'idle')
  for (let n = 0; n < 20; n += 1) {
    await using silent = await openSession(database())
    await silent.query('begin')
    // As while a worker looks.
    const [type] = await silent.query<{ id: number }>(
      "select id from jobtable.job_type where name = 'short'",
    )
    await silent.query('select jobtable_internal.watch(array[$1::integer], 1)', [type?.id])
    await silent.query("insert into jobtable.job (type) values ('short')")
    // Many others wake the worker, which looks again and again; it sleeps again after them.
    await silent.query('select jobtable_internal.watch(array[$1::integer], 0)', [type?.id])
    await database().query(
      "insert into jobtable.job (type) select 'short' from generate_series(1, 3000)",
    )
    await allFinished(database())
    await delay(n * 3)
    const finished = next(worker, 'finished')
    await silent.query('commit')
    await expect(finished).resolves.toHaveLength(1)
  }
})

test('a job that comes while a worker takes another is found, though nobody wakes the worker', async () => {
  await addTypes(database(), 'waits')
  let open = (): void => undefined
  const waits = defineExecutor({
    type: 'waits',
    execute: async ({ payload }) => {
      if (payload['last'] === true) open()
      else await new Promise<void>((resolve) => (open = resolve))
    },
  })
  const worker = await startWorker(database(), { executors: [waits], pollMs: NEVER_MS })
  await next(worker, 'listening')
  for (let n = 0; n < 20; n += 1) {
    const begun = next(worker, 'begun')
    await database().query("insert into jobtable.job (type) values ('waits')")
    await begun
    await delay(n / 4)
    await database().query(
      `insert into jobtable.job (type, payload) values ('waits', '{"last": true}')`,
    )
    await expect(allFinished(database())).resolves.toBeUndefined()
  }
})

test('a worker that has had much to do sleeps when there is no more', async () => {
  const worker = await startWorker(database(), { executors: [executors.short], pollMs: NEVER_MS })
  await next(worker, 'idle')
  await database().query(
    "insert into jobtable.job (type) select 'short' from generate_series(1, 5000)",
  )
  await allFinished(database())
  const idle = next(worker, 'idle')
  worker.wake()
  await expect(idle).resolves.toEqual([])
  let looks = 0
  worker.events.on('idle', () => {
    looks += 1
  })
  await delay(300)
  expect(looks).toBeLessThanOrEqual(1)
})

test('a busy worker is not notified', async () => {
  await using listener = await openSession(database())
  let heard = 0
  listener.client.on('notification', () => {
    heard += 1
  })
  await listener.query('listen jobtable_ready')
  const worker = await startWorker(database(), { executors: [executors.short], pollMs: NEVER_MS })
  await next(worker, 'idle')
  await database().query(
    "insert into jobtable.job (type) select 'short' from generate_series(1, 100000)",
  )
  // It knows then how short they are.
  for (let n = 0; n < 3; n += 1) await next(worker, 'finished')
  await listener.query('select')
  heard = 0
  for (let n = 0; n < 100; n += 1) {
    await database().query("insert into jobtable.job (type) values ('short')")
  }
  const [left] = await database().query(
    "select exists (select from jobtable.job where status = 'new') as busy",
  )
  expect(left).toEqual({ busy: true })
  await listener.query('select')
  expect(heard).toBeLessThan(5)
  await allFinished(database())
})

test('nobody is notified of a type that no worker runs, and the first to start finds every job', async () => {
  await addTypes(database(), 'lonely')
  const lonely = defineExecutor({ type: 'lonely', execute: () => undefined })
  await using listener = await openSession(database())
  let heard = 0
  listener.client.on('notification', () => {
    heard += 1
  })
  await listener.query('listen jobtable_ready')
  const insertAndHear = async (): Promise<number> => {
    // What was said before, by a worker that stopped, has been heard.
    await listener.query('select')
    heard = 0
    await database().query("insert into jobtable.job (type) values ('lonely')")
    await listener.query('select')
    return heard
  }
  await expect(insertAndHear()).resolves.toBe(0)
  await using silent = await openSession(database())
  await silent.query("begin; insert into jobtable.job (type) values ('lonely')")

  const first = await startWorker(database(), { executors: [lonely], pollMs: NEVER_MS })
  await next(first, 'idle')
  const second = await startWorker(database(), { executors: [lonely], pollMs: NEVER_MS })
  await next(second, 'idle')
  await silent.query('commit')
  await allFinished(database())

  await first.stop()
  await insertAndHear()
  await allFinished(database())
  await second.stop()
  await expect(insertAndHear()).resolves.toBe(0)
})
