import pg from 'pg'
import { expect, test } from 'vitest'
import { codeOf } from '../../src/errors.ts'
import { defineExecutor } from '../../src/executor.ts'
import { useOwnServer } from '../support/database.ts'
import { insertJob, insertJobs } from '../support/job.ts'
import {
  allFinished,
  cleanUpAfterEach,
  expectToldOnce,
  gate,
  linesOf,
  next,
  startWorker,
} from '../support/worker.ts'

const PATIENCE_MS = 120_000
/** Attempts of a worker that meets a full server, before it has room again. */
const REFUSALS = 12

const TOO_MANY_CONNECTIONS = '53300'

const own = useOwnServer({ settings: { max_connections: '30' } })
cleanUpAfterEach(() => own().database)

/** Opens sessions until the server has none left. */
async function takeAll(url: string): Promise<pg.Client[]> {
  const taken: pg.Client[] = []
  for (;;) {
    const client = new pg.Client({ connectionString: url, application_name: 'hoarder' })
    client.on('error', () => undefined)
    try {
      await client.connect()
      taken.push(client)
    } catch (error) {
      if (codeOf(error) !== TOO_MANY_CONNECTIONS) throw error
      return taken
    }
  }
}

test('no connection left: the worker stays up, asks ever more rarely, and goes on with what it holds', {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const { database } = own()
  const { opened, open } = gate()
  await using worker = await startWorker(database, {
    executors: [
      defineExecutor({
        type: 'held',
        execute: async ({ progress }) => {
          await opened
          progress(1)
        },
      }),
      defineExecutor({ type: 'other', execute: () => undefined }),
    ],
  })
  const lines = linesOf(worker)
  const begun = next(worker, 'begun')
  const id = await insertJob(database, 'held')
  await begun

  // The superuser's own are set aside.
  const admin = new pg.Client({ connectionString: database.adminUrl })
  await admin.connect()
  const taken = await takeAll(database.url)
  try {
    const pauses: number[] = []
    let last = performance.now()
    const refused = Promise.withResolvers<void>()
    worker.events.on('trouble', () => {
      const now = performance.now()
      pauses.push(now - last)
      last = now
      if (pauses.length === REFUSALS) refused.resolve()
    })
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'jobtable:%'",
    )
    taken.push(...(await takeAll(database.url)))
    await refused.promise
    // The first come at once, from each of its connections.
    expect(Math.max(...pauses.slice(-3))).toBeGreaterThan(100)
    // What it holds may end meanwhile.
    const ended = next(worker, 'ended', PATIENCE_MS)
    const recovered = next(worker, 'recovered', PATIENCE_MS)
    open()
    await Promise.all(taken.splice(0).map(async (client) => await client.end()))
    await Promise.all([ended, recovered])
    await insertJobs(database, 'other', 10)
    await allFinished(database, PATIENCE_MS)
  } finally {
    await Promise.all(taken.map(async (client) => await client.end()))
    await admin.end()
  }
  expect(
    await database.query('select status::text, attempt from jobtable.job where id = $1', [id]),
  ).toEqual([{ status: 'completed', attempt: 1 }])
  await expectToldOnce(lines)
})
