import { describe, expect, test } from 'vitest'
import { buffersOf } from '../../support/buffers.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, entriesOf, insertJob, readJob } from '../../support/job.ts'
import { openSession, type Session } from '../../support/session.ts'
import { drawLease, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

async function setClock(session: Session, time: string): Promise<void> {
  await session.query(`select set_config('jobtable.now', $1, false)`, [time])
}

describe('a job of the future', () => {
  test('is not claimed before its time, and is at its time', async () => {
    const ticker = await startTicker(database(), 'future')
    const id = await insertJob(database(), 'future', { run_at: '2030-01-01 00:00:00+00' })
    await using session = await openSession(database())
    await setClock(session, '2029-12-31 23:59:59.999999+00')
    expect(await ticker.claim({ session })).toEqual([])
    await setClock(session, '2030-01-01 00:00:00+00')
    expect((await ticker.claim({ session })).map((job) => job.id)).toEqual([id])
    expect(await readJob(database(), id)).toMatchObject({
      started_at: new Date('2030-01-01T00:00:00Z'),
    })
  })

  test('of the past is claimed at once', async () => {
    const ticker = await startTicker(database(), 'past')
    const id = await insertJob(database(), 'past', { run_at: '2020-01-01' })
    expect((await ticker.claim()).map((job) => job.id)).toEqual([id])
  })

  test('of infinity is never claimed', async () => {
    const ticker = await startTicker(database(), 'infinite')
    await insertJob(database(), 'infinite', { run_at: 'infinity' })
    await using session = await openSession(database())
    await setClock(session, '9999-01-01')
    const answer = await ticker.tick({ ranges: ticker.ranges(), slots: 1 }, session)
    expect(answer).toMatchObject({ claimed: [], nextDueMs: undefined })
    await database().query(`delete from jobtable.job where type = 'infinite' and status = 'new'`)
    await database().query('delete from jobtable_internal.due')
  })

  test('takes its turn by its number among those that came due together', async () => {
    const ticker = await startTicker(database(), 'turn')
    const late = await insertJob(database(), 'turn', { run_at: '2031-01-02' })
    const early = await insertJob(database(), 'turn', { run_at: '2031-01-01' })
    const urgent = await insertJob(database(), 'turn', { run_at: '2031-01-03', priority: -1 })
    await using session = await openSession(database())
    await setClock(session, '2031-01-01 12:00')
    const first = await ticker.claim({ session })
    await setClock(session, '2031-01-04')
    const rest = await ticker.claim({ session })
    expect([...first, ...rest].map((job) => job.id)).toEqual([early, urgent, late])
  })

  test('that was deleted leaves nothing to be claimed', async () => {
    const ticker = await startTicker(database(), 'called_off')
    const id = await insertJob(database(), 'called_off', { run_at: '2030-01-01' })
    await database().query('delete from jobtable.job where id = $1', [id])
    await using session = await openSession(database())
    await setClock(session, '2030-01-02')
    expect(await ticker.claim({ session })).toEqual([])
    expect(await entriesOf(database(), id)).toEqual({ ready: [], due: [] })
  })
})

test('the answer tells how long it is to the next job of the future', async () => {
  const ticker = await startTicker(database(), 'next')
  await using session = await openSession(database())
  await setClock(session, '2035-01-01 00:00:00+00')
  const look = async (): Promise<number | undefined> =>
    (await ticker.tick({ ranges: ticker.ranges(), slots: 1 }, session)).nextDueMs
  expect(await look()).toBeUndefined()
  await insertJob(database(), 'next', { run_at: '2035-01-01 00:00:02.5+00' })
  await insertJob(database(), 'next', { run_at: '2035-01-01 00:00:01.5+00' })
  expect(await look()).toBe(1_500)
})

test('thousands that come due together are all claimed, the oldest first', async () => {
  const ticker = await startTicker(database(), 'flood')
  const rows = await database().query<{ id: string }>(
    `insert into jobtable.job (type, run_at)
     select 'flood', timestamptz '2040-01-01' + n * interval '1 ms' from generate_series(1, 2500) n
     returning id`,
  )
  await using session = await openSession(database())
  await setClock(session, '2040-01-02')
  const claimed: string[] = []
  for (let n = 0; n < 3; n += 1) {
    claimed.push(...(await ticker.claim({ slots: 2_500, session })).map((job) => job.id))
  }
  expect(claimed).toEqual(rows.map((row) => row.id))
})

test('fifty thousand jobs of the future cost a claim nothing', async () => {
  await addTypes(database(), 'crowd')
  const ticker = await startTicker(database(), 'in_front')
  await using session = await openSession(database())
  await session.query(`set jobtable.writer = 'queue'`)
  const [range] = ticker.ranges()
  // The least of ten: a call also reads the catalog when it is the first of its session, and again
  // whenever autovacuum has looked at a table.
  const buffers = async (): Promise<number> => {
    const counts: number[] = []
    for (let n = 0; n < 10; n += 1) {
      await insertJob(database(), 'in_front')
      const counted = await buffersOf(
        session,
        'select * from jobtable_internal.claim($1, $2, $3, $4, $5, 10, 0, false, false, false)',
        [ticker.id, drawLease(), [range?.fromLane], [range?.toLane], [range?.room]],
      )
      counts.push(counted)
    }
    return Math.min(...counts)
  }
  const before = await buffers()
  await database().query(
    `insert into jobtable.job (type, run_at)
     select 'crowd', timestamptz '2050-01-01' + n * interval '1 s' from generate_series(1, 50000) n`,
  )
  expect(await buffers()).toBeLessThan(before + 20)
})

test.each([1, 3])(
  'a clock that is set back keeps jobs waiting, and loses none (%s of them)',
  async (count) => {
    const type = `set_back_${count}`
    const ticker = await startTicker(database(), type)
    // One entry, or several.
    for (let n = 0; n < count; n += 1) await insertJob(database(), type)
    await using session = await openSession(database())
    await setClock(session, '2001-01-01')
    expect(await ticker.claim({ session })).toEqual([])
    await setClock(session, '')
    expect(await ticker.claim({ session })).toHaveLength(count)
  },
)
