import { describe, expect, test } from 'vitest'
import { adopt, type TickAnswer } from '../../../src/queries/tick.ts'
import { useDatabase } from '../../support/database.ts'
import { entriesOf, insertJob, insertJobs, readJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, type Session } from '../../support/session.ts'
import { drawLease, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

/** What a worker sends that a job has woken. */
async function woken(ticker: Ticker, slots = 10, session?: Session): Promise<TickAnswer> {
  return await ticker.tick({ ranges: ticker.ranges(), slots, woken: true }, session)
}

function idsOf({ claimed }: TickAnswer): string[] {
  return claimed.map((job) => job.id)
}

describe('a worker that is woken', () => {
  test('is given the one job there is, as any claim gives it', async () => {
    const ticker = await startTicker(database(), 'lone')
    const columns = { payload: { a: 1 }, title: 't', key: 'k', priority: 3, properties: { p: 2 } }
    await insertJob(database(), 'lone', columns)
    const first = await woken(ticker)
    await ticker.finish(first.claimed.map((job) => ({ ...job, outcome: 'completed' })))
    await insertJob(database(), 'lone', columns)
    const [second] = await ticker.claim()
    expect(first).toMatchObject({ looked: 1, more: false })
    expect(first.claimed).toEqual([
      {
        ...second,
        ...Object.fromEntries(
          (['id', 'lease', 'createdAt', 'runAt', 'startedAt'] as const).map((name) => [
            name,
            first.claimed[0]?.[name],
          ]),
        ),
      },
    ])
    expect(await readJob(database(), idsOf(first)[0] ?? '')).toMatchObject({ attempt: 1 })
  })

  test('by a statement of several is given all of them, if they fill its slots or less', async () => {
    const ticker = await startTicker(database(), 'together')
    const ids = await insertJobs(database(), 'together', 3)
    expect(idsOf(await woken(ticker, 3))).toEqual(ids)
    await insertJobs(database(), 'together', 3)
    expect(await woken(ticker, 2)).toMatchObject({ looked: 2, more: true })
  })

  test('finds several entries as well, of one type or more', async () => {
    const ticker = await startTicker(database(), 'several', 'others')
    const ids = [await insertJob(database(), 'several'), await insertJob(database(), 'several')]
    expect(idsOf(await woken(ticker))).toEqual(ids)
    const mixed = [await insertJob(database(), 'several'), await insertJob(database(), 'others')]
    expect(idsOf(await woken(ticker))).toEqual(mixed)
  })

  test('finds nothing where another was faster', async () => {
    const ticker = await startTicker(database(), 'taken')
    const other = await startTicker(database(), 'taken')
    await insertJob(database(), 'taken')
    await using session = await openSession(database())
    await session.query('begin')
    expect((await woken(other, 10, session)).claimed).toHaveLength(1)
    expect(await woken(ticker)).toMatchObject({ claimed: [], looked: 0, more: true })
    await session.query('commit')
    expect(await woken(ticker)).toMatchObject({ claimed: [], looked: 0, more: false })
  })

  test.each([
    ['deleted', 'delete from jobtable.job where id = $1'],
    ['paused', 'update jobtable.job set paused = true where id = $1'],
    ['put off', "update jobtable.job set run_at = now() + interval '1 hour' where id = $1"],
  ])('is not given a job that was %s', async (name, statement) => {
    const ticker = await startTicker(database(), name)
    const id = await insertJob(database(), name)
    await database().query(statement, [id])
    expect(await woken(ticker)).toMatchObject({ claimed: [], more: false })
    expect((await entriesOf(database(), id)).ready).toEqual([])
  })

  test('is not given a job by its old priority, and loses none that has another now', async () => {
    const ticker = await startTicker(database(), 'reprioritised')
    const id = await insertJob(database(), 'reprioritised')
    await database().query('update jobtable.job set priority = 5 where id = $1', [id])
    const answers = [await woken(ticker), await woken(ticker)]
    expect(answers.flatMap(idsOf)).toEqual([id])
  })

  test('does not wait for a job that a client holds, and looks at it again', async () => {
    const ticker = await startTicker(database(), 'held')
    const id = await insertJob(database(), 'held')
    await using client = await openSession(database())
    await client.query('begin')
    await client.query('select from jobtable.job where id = $1 for update', [id])
    const begun = performance.now()
    expect(await woken(ticker)).toMatchObject({ claimed: [], looked: 1 })
    expect(performance.now() - begun).toBeLessThan(1_000)
    await client.query('commit')
    expect((await entriesOf(database(), id)).due).toHaveLength(1)
  })

  test('loses no job to a clock that is set back', async () => {
    const ticker = await startTicker(database(), 'back')
    const id = await insertJob(database(), 'back')
    await using session = await openSession(database())
    await session.query(`select set_config('jobtable.now', '2001-01-01', false)`)
    expect(await woken(ticker, 10, session)).toMatchObject({ claimed: [], looked: 1 })
    expect(idsOf(await woken(ticker))).toEqual([id])
  })

  test('and whose answer is lost has the job, or never will', async () => {
    const ticker = await startTicker(database(), 'answer_lost')
    const id = await insertJob(database(), 'answer_lost')
    const lease = drawLease()
    const request = { ranges: ticker.ranges(), slots: 10, woken: true, lease }
    expect(await adopt(database().pool, ticker.id, lease)).toEqual([])
    expect((await refusal(ticker.tick(request))).code).toBe('23505')
    const claimed = await woken(ticker)
    expect(idsOf(claimed)).toEqual([id])
    const adopted = await adopt(database().pool, ticker.id, claimed.claimed[0]?.lease ?? '')
    expect(adopted).toMatchObject([{ id, status: 'started' }])
  })
})
