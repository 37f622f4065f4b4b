import { beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { openSession, type Session } from '../../support/session.ts'
import { startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

const TYPE = 'singly'
/** Entries of one job each. */
const ENTRIES = 3_000
const CLAIMED = 500

let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), TYPE)
})

/** How many entries of the ready table's index were read by everybody until now. */
async function entriesRead(session: Session): Promise<number> {
  await session.query('select pg_stat_force_next_flush()')
  const [row] = await session.query<{ read: string }>(
    `select idx_tup_read as read from pg_stat_user_indexes where indexrelname = 'ready_pkey'`,
  )
  return Number(row?.read)
}

async function insertSingly(session: Session, count: number): Promise<void> {
  await session.query(
    `do $$ begin
       for i in 1 .. ${count} loop insert into jobtable.job (type) values ('${TYPE}'); end loop;
     end $$`,
  )
}

test('a claim that was planned while hardly anything waited reads no more than it takes', async () => {
  await using session = await openSession(database())
  // PostgreSQL has been told that there are none when it plans.
  for (let n = 0; n < 3; n += 1) {
    await session.query('vacuum analyze jobtable_internal.ready')
    await insertSingly(session, 20)
    await ticker.claim({ slots: CLAIMED, session })
  }
  await insertSingly(session, ENTRIES)
  const before = await entriesRead(session)
  expect(await ticker.claim({ slots: CLAIMED, session })).toHaveLength(CLAIMED)
  expect((await entriesRead(session)) - before).toBeLessThan(CLAIMED * 3)
})
