import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob, statusOf } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { only, outcome, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

test('as many as there are slots start, the others wait queued at the worker', async () => {
  const ticker = await startTicker(database(), 'prefetched')
  const ids = await insertJobs(database(), 'prefetched', 10)
  const jobs = await ticker.claim({ slots: 3, prefetch: 4 })
  expect(jobs.map(({ id, status }) => ({ id, status }))).toEqual([
    ...ids.slice(0, 3).map((id) => ({ id, status: 'started' })),
    ...ids.slice(3, 7).map((id) => ({ id, status: 'queued' })),
  ])
  expect(await readJob(database(), String(ids[0]))).toMatchObject({ status: 'started', attempt: 1 })
  expect(await readJob(database(), String(ids[3]))).toMatchObject({
    status: 'queued',
    attempt: 0,
    worker: ticker.id,
    queued_at: expect.any(Date),
    started_at: null,
  })
  expect(await readJob(database(), String(ids[7]))).toMatchObject({ status: 'new', worker: null })
})

describe('a queued job', () => {
  test('begins: started, with its attempt counted', async () => {
    const ticker = await startTicker(database(), 'begun')
    const id = await insertJob(database(), 'begun')
    const jobs = await ticker.claim({ slots: 0, prefetch: 1 })
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [id], waiting: [] })
    const row = await readJob(database(), id)
    expect(row).toMatchObject({ status: 'started', attempt: 1, lease: only(jobs).lease })
    // A Date holds milliseconds only, and a test takes less.
    const [times] = await database().query(
      'select queued_at < started_at as ordered from jobtable.job where id = $1',
      [id],
    )
    expect(times).toEqual({ ordered: true })
  })

  test('begins once, also if its worker asks twice because an answer was lost', async () => {
    const ticker = await startTicker(database(), 'begun_twice')
    const id = await insertJob(database(), 'begun_twice')
    const jobs = await ticker.claim({ slots: 0, prefetch: 1 })
    await ticker.begin(jobs)
    const before = await readJob(database(), id)
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [id], waiting: [] })
    expect(await readJob(database(), id)).toEqual(before)
  })

  test('that was deleted does not begin', async () => {
    const ticker = await startTicker(database(), 'gone')
    const [first, second] = await insertJobs(database(), 'gone', 2)
    const jobs = await ticker.claim({ slots: 0, prefetch: 2 })
    await database().query('delete from jobtable.job where id = $1', [first])
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [second], waiting: [] })
  })

  test('that was paused goes back to new, and is claimed again when it is unpaused', async () => {
    const ticker = await startTicker(database(), 'paused')
    const id = await insertJob(database(), 'paused')
    const jobs = await ticker.claim({ slots: 0, prefetch: 1 })
    await database().query('update jobtable.job set paused = true where id = $1', [id])
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [], waiting: [] })
    expect(await readJob(database(), id)).toMatchObject({
      status: 'new',
      attempt: 0,
      queued_at: null,
      worker: null,
      lease: null,
    })
    expect(await ticker.claim()).toEqual([])
    await database().query('update jobtable.job set paused = false where id = $1', [id])
    expect(only(await ticker.claim()).id).toBe(id)
  })

  test('that was paused and unpaused before it began begins', async () => {
    const ticker = await startTicker(database(), 'unpaused')
    const id = await insertJob(database(), 'unpaused')
    const jobs = await ticker.claim({ slots: 0, prefetch: 1 })
    await database().query('update jobtable.job set paused = true where id = $1', [id])
    await database().query('update jobtable.job set paused = false where id = $1', [id])
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [id] })
  })

  test('that was put off goes back to new, and waits for its time', async () => {
    const ticker = await startTicker(database(), 'put_off')
    const id = await insertJob(database(), 'put_off')
    const jobs = await ticker.claim({ slots: 0, prefetch: 1 })
    await database().query(`update jobtable.job set run_at = '2030-01-01' where id = $1`, [id])
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [], waiting: [] })
    expect(await ticker.claim()).toEqual([])
    await using session = await openSession(database())
    await session.query(`set jobtable.now = '2030-01-01'`)
    expect(only(await ticker.claim({ session })).id).toBe(id)
  })

  test('that a client has locked waits on, and the others begin', async () => {
    const ticker = await startTicker(database(), 'waiting')
    const [first, second] = await insertJobs(database(), 'waiting', 2)
    const jobs = await ticker.claim({ slots: 0, prefetch: 2 })
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(`update jobtable.job set title = 'held' where id = $1`, [first])
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [second], waiting: [first] })
    await client.query('commit')
    expect(await ticker.begin(jobs)).toMatchObject({ begun: [first, second], waiting: [] })
  })

  test('that is given back is new again, without an attempt', async () => {
    const ticker = await startTicker(database(), 'returned')
    const id = await insertJob(database(), 'returned')
    const job = only(await ticker.claim({ slots: 0, prefetch: 1 }))
    await ticker.finish([outcome(job, 'released')])
    expect(await readJob(database(), id)).toMatchObject({
      status: 'new',
      attempt: 0,
      uncharged: 0,
      worker: null,
      lease: null,
      queued_at: null,
    })
    expect(await database().query('select from jobtable.job_attempt where job = $1', [id])).toEqual(
      [],
    )
    expect(only(await ticker.claim())).toMatchObject({ id, attempt: 1 })
  })

  test('does not begin under a lease that is no longer its own', async () => {
    const ticker = await startTicker(database(), 'stale')
    const id = await insertJob(database(), 'stale')
    const old = await ticker.claim({ slots: 0, prefetch: 1 })
    await ticker.finish([outcome(only(old), 'released')])
    await ticker.claim({ slots: 0, prefetch: 1 })
    expect(await ticker.begin(old)).toMatchObject({ begun: [], waiting: [] })
    expect(await statusOf(database(), id)).toBe('queued')
  })

  test('does not count as completed before it has begun', async () => {
    const ticker = await startTicker(database(), 'too_early')
    const id = await insertJob(database(), 'too_early')
    const job = only(await ticker.claim({ slots: 0, prefetch: 1 }))
    await ticker.finish([outcome(job, 'completed')])
    expect(await statusOf(database(), id)).toBe('queued')
  })
})
