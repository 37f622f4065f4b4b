import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defineExecutor } from '../../src/executor.ts'
import { createDatabase } from '../support/database.ts'
import { insertJobs } from '../support/job.ts'
import { isRequired } from '../support/required.ts'
import { startPrivateServer } from '../support/server.ts'
import { mountSmallDisk } from '../support/small-disk.ts'
import { allFinished, expectToldOnce, gate, linesOf, next, startWorker } from '../support/worker.ts'

const PATIENCE_MS = 120_000
/** A new cluster, the test's databases, WAL, and some room to work in. */
const DISK_MB = 320
/** Attempts of the worker while there is no room. */
const REFUSALS = 8
/** Jobs whose results need more room than is left in the tables' last pages. */
const JOBS = 5_000

const disk = mountSmallDisk(DISK_MB)
afterAll(() => disk?.[Symbol.dispose]())

test.skipIf(disk === undefined && !isRequired('mount'))(
  "the server's disk is full: workers stay up, and go on when there is room again",
  { timeout: 3 * PATIENCE_MS },
  async () => {
    if (disk === undefined) throw new Error('no disk: mounting one takes root, on Linux')
    await using stack = new AsyncDisposableStack()
    const server = stack.use(
      await startPrivateServer({
        dataDir: join(disk.path, 'data'),
        settings: { max_wal_size: '64MB', min_wal_size: '32MB' },
      }),
    )
    const database = await createDatabase({ server: server.server })
    stack.defer(async () => await database.pool.end())
    const { opened, open } = gate()
    const worker = stack.use(
      await startWorker(database, {
        concurrency: 50,
        executors: [
          defineExecutor({
            type: 'wordy',
            execute: async () => {
              await opened
              return randomBytes(1_500).toString('base64')
            },
          }),
        ],
      }),
    )
    const lines = linesOf(worker)
    const begun = next(worker, 'begun')
    await insertJobs(database, 'wordy', JOBS)
    await begun

    const refused = Promise.withResolvers<void>()
    let refusals = 0
    worker.events.on('trouble', () => {
      refusals += 1
      if (refusals === REFUSALS) refused.resolve()
    })
    disk.fill()
    open()
    await refused.promise
    disk.free()
    // One that had no room for its log has ended, and could not come back by itself.
    await server.start()
    await allFinished(database, PATIENCE_MS)
    expect(
      await database.query(
        'select status::text, attempt, count(*)::integer as jobs from jobtable.job group by 1, 2',
      ),
    ).toEqual([{ status: 'completed', attempt: 1, jobs: JOBS }])
    await expectToldOnce(lines)
  },
)
