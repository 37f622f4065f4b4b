import { expect, test } from 'vitest'
import * as queries from '../../../src/queries/tick.ts'
import { rescue, stopWorker } from '../../../src/queries/worker.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'
import { beatOf, drawLease, outcome, startTicker } from '../../support/ticker.ts'

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

test.each(['a sign of life', 'a rescue'])('a tick that comes after %s, too', async (happens) => {
  const type = `after ${happens}`
  const ticker = await startTicker(database(), type)
  const id = await insertJob(database(), type)
  const lease = drawLease()
  expect(await queries.adopt(database().pool, ticker.id, lease)).toEqual([])
  if (happens === 'a rescue') {
    const [row] = await database().query<{ at: string }>(
      'select seen_at::text as at from jobtable.worker where id = $1',
      [ticker.id],
    )
    await rescue(database().pool, ticker.id, row?.at ?? '', 10)
  }
  await beatOf(database().pool, ticker.id, { closed: [lease] })
  const late = ticker.tick({ lease, ranges: ticker.ranges(), slots: 1 })
  expect((await refusal(late)).code).toBe('23505')
  expect(await readJob(database(), id)).toMatchObject({ status: 'new', attempt: 0 })
})

test('what keeps it from that outlives its worker’s end, and is gone ten minutes later', async () => {
  const ticker = await startTicker(database(), 'fenced')
  const other = await startTicker(database(), 'fenced')
  await queries.adopt(database().pool, ticker.id, drawLease())
  await stopWorker(database().pool, ticker.id)
  const receipts = async (): Promise<number> => {
    const rows = await database().query('select from jobtable_internal.claim where worker = $1', [
      ticker.id,
    ])
    return rows.length
  }
  expect(await receipts()).toBe(1)
  expect((await beatOf(database().pool, other.id)).orphans).not.toContain(ticker.id)
  await using later = await openSession(database())
  await later.query(`select set_config('jobtable.now', (now() + '11 minutes')::text, false)`)
  expect((await beatOf(later.client, other.id)).orphans).toContain(ticker.id)
  await rescue(later.client, ticker.id, null, 10)
  expect(await receipts()).toBe(0)
  expect((await beatOf(later.client, other.id)).orphans).not.toContain(ticker.id)
})

test('a tick that is committed after its worker’s end is not forgotten: others rescue its jobs', async () => {
  const ticker = await startTicker(database(), 'ended')
  const other = await startTicker(database(), 'ended')
  const id = await insertJob(database(), 'ended', { max_attempts: 2 })
  await using lost = await openSession(database())
  await lost.query('begin')
  await ticker.tick({ ranges: ticker.ranges(), slots: 1 }, lost)
  await stopWorker(database().pool, ticker.id)
  await lost.query('commit')
  expect((await beatOf(database().pool, other.id)).orphans).toContain(ticker.id)
  await rescue(database().pool, ticker.id, null, 10)
  expect(await readJob(database(), id)).toMatchObject({ status: 'new', attempt: 1 })
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
