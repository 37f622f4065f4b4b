import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs } from '../../support/job.ts'
import { startTicker, type Ticker, type Wish } from '../../support/ticker.ts'

const database = useDatabase()

/** How many jobs of each type a claim hands out. */
async function counts(ticker: Ticker, wish: Wish): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const { type } of await ticker.claim(wish)) found[type] = (found[type] ?? 0) + 1
  return found
}

describe('the room of a type', () => {
  test('is not exceeded, although slots are free', async () => {
    const ticker = await startTicker(database(), 'narrow')
    await insertJobs(database(), 'narrow', 50)
    expect(await counts(ticker, { slots: 20, rooms: { narrow: 3 } })).toEqual({ narrow: 3 })
  })

  test('is not exceeded by jobs of several priorities', async () => {
    const ticker = await startTicker(database(), 'layered')
    for (const priority of [1, 2, 3, 4, 5]) await insertJob(database(), 'layered', { priority })
    expect(await counts(ticker, { slots: 20, rooms: { layered: 2 } })).toEqual({ layered: 2 })
  })

  test('is shared by started and queued jobs', async () => {
    const ticker = await startTicker(database(), 'shared')
    await insertJobs(database(), 'shared', 50)
    const wish = { slots: 2, prefetch: 10, rooms: { shared: 5 } }
    expect(await counts(ticker, wish)).toEqual({ shared: 5 })
  })

  test('of none leaves the type alone, and others flow', async () => {
    const ticker = await startTicker(database(), 'full', 'free')
    await insertJobs(database(), 'full', 10)
    await insertJobs(database(), 'free', 10)
    expect(await counts(ticker, { slots: 5, rooms: { full: 0 } })).toEqual({ free: 5 })
  })

  test('filled by one type leaves the other slots to others', async () => {
    const ticker = await startTicker(database(), 'urgent', 'patient')
    await database().query(`update jobtable.job_type set priority = -1 where name = 'urgent'`)
    await insertJobs(database(), 'urgent', 100)
    await insertJobs(database(), 'patient', 100)
    const wish = { slots: 20, rooms: { urgent: 3 } }
    expect(await counts(ticker, wish)).toEqual({ urgent: 3, patient: 17 })
  })

  test('that deleted jobs do not use goes to others of the type', async () => {
    const ticker = await startTicker(database(), 'thinned')
    const ids = await insertJobs(database(), 'thinned', 10)
    await database().query('delete from jobtable.job where id = any ($1)', [ids.slice(0, 5)])
    expect(await counts(ticker, { slots: 20, rooms: { thinned: 3 } })).toEqual({ thinned: 3 })
  })
})

test('a claim of no slots takes nothing', async () => {
  const ticker = await startTicker(database(), 'none')
  await insertJobs(database(), 'none', 2)
  expect(await ticker.claim({ slots: 0 })).toEqual([])
  expect(await ticker.claim()).toHaveLength(2)
})

test('a claim that promises another, and has room for no type just now, takes nothing', async () => {
  const ticker = await startTicker(database(), 'full_up')
  await insertJobs(database(), 'full_up', 2)
  const ranges = ticker.ranges({ full_up: 0 })
  for (const stays of [false, true]) {
    const answer = await ticker.tick({ ranges, slots: 9, promises: true, stays })
    expect(answer).toMatchObject({ claimed: [], looked: 0 })
  }
  expect(await ticker.claim()).toHaveLength(2)
})

test('the answer tells whether there is more to look at', async () => {
  const ticker = await startTicker(database(), 'more')
  const look = async (slots: number): Promise<boolean> =>
    (await ticker.tick({ ranges: ticker.ranges(), slots })).more
  expect(await look(1)).toBe(false)
  await insertJobs(database(), 'more', 3)
  expect(await look(2)).toBe(true)
  expect(await look(2)).toBe(false)
})
