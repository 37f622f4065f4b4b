import { expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

test('a keyless job is claimed and completed by heap-only updates, even within one transaction', async () => {
  const ticker = await startTicker(database(), 'heap_only')
  await insertJobs(database(), 'heap_only', 1_000)
  await using session = await openSession(database())
  await session.query('begin')
  const jobs = await ticker.claim({ session })
  await ticker.finish(
    jobs.map((job) => outcome(job, 'completed')),
    session,
  )
  const [counts] = await session.query(
    `select n_tup_upd::int as updates, n_tup_hot_upd::int as heap_only
     from pg_stat_xact_user_tables where relid = 'jobtable.job'::regclass`,
  )
  expect(counts).toEqual({ updates: 2_000, heap_only: 2_000 })
  await session.query('rollback')
})
