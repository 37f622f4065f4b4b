import { expect, test } from 'vitest'
import * as queries from '../../../src/queries/registration.ts'
import { buffersOf } from '../../support/buffers.ts'
import { createDatabase } from '../../support/database.ts'
import { insertJobs } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { outcome, startTicker } from '../../support/ticker.ts'

const PURGED = 1_000

/** The buffers that a purge of some jobs touches behind a number of older ones that are kept. */
async function buffersOfPurge(kept: number): Promise<number> {
  await using database = await createDatabase()
  for (const [name, retention] of [
    ['kept', null],
    ['passing', '1 hour'],
  ] as const) {
    await queries.registerType(database.pool, name, { retention, failed_retention: retention })
  }
  // What many ticks would have written, in one statement.
  await database.query(
    `with born as (
       insert into jobtable.job (type, paused) select 'kept', true from generate_series(1, $1)
       returning id
     )
     insert into jobtable_internal.finished (type_id, failed, at, ids)
     select (select id from jobtable.job_type where name = 'kept'), n % 10 = 0,
       now() - interval '1 day', array_agg(id)
     from (select id, id / 100 as n from born) b group by n`,
    [kept],
  )
  await database.query(
    `begin; set local jobtable.writer = 'queue';
     update jobtable.job set status = 'completed', paused = false, finished_at = now(); commit`,
  )
  const ticker = await startTicker(database, 'passing')
  await insertJobs(database, 'passing', PURGED)
  await ticker.finish((await ticker.claim()).map((job) => outcome(job, 'completed')))

  await using session = await openSession(database)
  await session.query(
    `select set_config('jobtable.now', (now() + interval '2 hours')::text, false)`,
  )
  // The first call of a session also reads the catalog.
  await session.query('begin; select jobtable_internal.purge(1); rollback')
  const buffers = await buffersOf(session, `select jobtable_internal.purge(${PURGED})`)
  const left = await database.query(`select count(*)::int as count from jobtable.job`)
  expect(left).toEqual([{ count: kept }])
  return buffers
}

test('a purge costs what it removes, however many older jobs are kept for ever', async () => {
  const few = await buffersOfPurge(2_000)
  const many = await buffersOfPurge(100_000)
  expect(many).toBeLessThan(few * 1.2)
})
