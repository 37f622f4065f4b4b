import { expect, test } from 'vitest'
import * as queries from '../../../src/queries/tick.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'
import { drawLease, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

test('what a tick handed out is found, although its answer was lost', async () => {
  const ticker = await startTicker(database(), 'lost_answer')
  await insertJobs(database(), 'lost_answer', 3)
  const lease = drawLease()
  const { claimed } = await ticker.tick({ lease, ranges: ticker.ranges(), slots: 2, prefetch: 1 })
  expect(await queries.adopt(database().pool, ticker.id, lease)).toEqual(claimed)
})

test('everything the worker holds is found, under all its leases', async () => {
  const ticker = await startTicker(database(), 'all')
  await insertJobs(database(), 'all', 6)
  const first = await ticker.claim({ slots: 2 })
  const second = await ticker.claim({ slots: 2 })
  await ticker.finish(first.slice(0, 1).map((job) => outcome(job, 'completed')))
  const held = await queries.adopt(database().pool, ticker.id, drawLease())
  expect(held.map((job) => job.id)).toEqual([...first.slice(1), ...second].map((job) => job.id))
})

test('nothing of another worker is found', async () => {
  const ticker = await startTicker(database(), 'others')
  const other = await startTicker(database(), 'others')
  await insertJob(database(), 'others')
  await ticker.claim()
  expect(await queries.adopt(database().pool, other.id, drawLease())).toEqual([])
})

test.each(['commit', 'rollback'])(
  'a tick that is still on its way is waited for, and its %s decides',
  async (end) => {
    const type = `on_its_way_${end}`
    const ticker = await startTicker(database(), type)
    const id = await insertJob(database(), type)
    const lease = drawLease()
    await using lost = await openSession(database())
    await using asking = await openSession(database())
    await lost.query('begin')
    await ticker.tick({ lease, ranges: ticker.ranges(), slots: 1 }, lost)
    const held = queries.adopt(asking.client, ticker.id, lease)
    await untilBlocked(database(), asking)
    await lost.query(end)
    expect((await held).map((job) => job.id)).toEqual(end === 'commit' ? [id] : [])
  },
)

test('a tick that comes after the question claims nothing more', async () => {
  const ticker = await startTicker(database(), 'too_late')
  const id = await insertJob(database(), 'too_late')
  const lease = drawLease()
  expect(await queries.adopt(database().pool, ticker.id, lease)).toEqual([])
  const late = ticker.tick({ lease, ranges: ticker.ranges(), slots: 1 })
  expect((await refusal(late)).code).toBe('23505')
  expect(await readJob(database(), id)).toMatchObject({ status: 'new', attempt: 0 })
})

test('a tick that was claiming while the question came waits for it, and claims nothing', async () => {
  const ticker = await startTicker(database(), 'overtaken')
  const id = await insertJob(database(), 'overtaken')
  const lease = drawLease()
  await using asking = await openSession(database())
  await using late = await openSession(database())
  await asking.query('begin')
  expect(await queries.adopt(asking.client, ticker.id, lease)).toEqual([])
  const tick = refusal(ticker.tick({ lease, ranges: ticker.ranges(), slots: 1 }, late))
  await untilBlocked(database(), late)
  await asking.query('commit')
  expect((await tick).code).toBe('23505')
  expect(await readJob(database(), id)).toMatchObject({ status: 'new', attempt: 0 })
})

test('asking again is harmless', async () => {
  const ticker = await startTicker(database(), 'asked_again')
  await insertJob(database(), 'asked_again')
  const lease = drawLease()
  await ticker.tick({ lease, ranges: ticker.ranges(), slots: 1 })
  const once = await queries.adopt(database().pool, ticker.id, lease)
  expect(once).toHaveLength(1)
  expect(await queries.adopt(database().pool, ticker.id, lease)).toEqual(once)
})
