import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, insertJobs, readJob } from '../../support/job.ts'
import { startTicker } from '../../support/ticker.ts'

const database = useDatabase()

describe('jobs are handed out', () => {
  test('by priority, then by age', async () => {
    const ticker = await startTicker(database(), 'order')
    const ids = new Map<string, string>()
    for (const [name, priority] of [
      ['b1', 0],
      ['c1', 9],
      ['a1', -9],
      ['b2', null],
      ['c2', 9],
      ['a2', -9],
    ] as const) {
      ids.set(await insertJob(database(), 'order', { priority }), name)
    }
    const order: (string | undefined)[] = []
    for (;;) {
      const [job] = await ticker.claim({ slots: 1 })
      if (job === undefined) break
      order.push(ids.get(job.id))
    }
    expect(order).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  })

  test('by the default priority of their types, where they have none', async () => {
    const ticker = await startTicker(database(), 'slow', 'fast')
    await database().query(`update jobtable.job_type set priority = 5 where name = 'slow'`)
    const slow = await insertJob(database(), 'slow')
    const fast = await insertJob(database(), 'fast')
    const between = await insertJob(database(), 'slow', { priority: 3 })
    const order: string[] = []
    for (let n = 0; n < 3; n += 1) {
      order.push(...(await ticker.claim({ slots: 1 })).map((job) => job.id))
    }
    expect(order).toEqual([fast, between, slow])
  })

  test('by age over several types of one priority', async () => {
    const ticker = await startTicker(database(), 'age_b', 'age_a')
    const ids: string[] = []
    for (const type of ['age_a', 'age_b', 'age_b', 'age_a']) {
      ids.push(await insertJob(database(), type))
    }
    const order: string[] = []
    for (let n = 0; n < 4; n += 1) {
      order.push(...(await ticker.claim({ slots: 1 })).map((job) => job.id))
    }
    expect(order).toEqual(ids)
  })

  test('only of the types that are asked for', async () => {
    const ticker = await startTicker(database(), 'wanted')
    const other = await startTicker(database(), 'unwanted')
    await insertJob(database(), 'unwanted')
    const id = await insertJob(database(), 'wanted')
    expect((await ticker.claim()).map((job) => job.id)).toEqual([id])
    expect(await other.claim()).toHaveLength(1)
  })

  test('with everything that an executor needs', async () => {
    const ticker = await startTicker(database(), 'complete')
    const id = await insertJob(database(), 'complete', {
      payload: { a: 1 },
      owner: 'ada',
      title: 'One',
      properties: { b: 2 },
      priority: 3,
      key: 'k',
      timeout: '90 seconds',
    })
    const [job] = await ticker.claim()
    const row = await readJob(database(), id)
    expect(row).toMatchObject({ status: 'started', attempt: 1, worker: ticker.id })
    expect(row?.['queued_at']).toEqual(row?.['started_at'])
    expect(job).toEqual({
      id,
      lease: row?.['lease'],
      status: 'started',
      type: 'complete',
      attempt: 1,
      payload: { a: 1 },
      owner: 'ada',
      title: 'One',
      properties: { b: 2 },
      priority: 3,
      key: 'k',
      createdAt: Number(row?.['created_at']),
      runAt: Number(row?.['run_at']),
      startedAt: Number(row?.['started_at']),
      timeoutMs: 90_000,
    })
  })
})

describe('what is not wanted of an entry', () => {
  test('stays in its place', async () => {
    const ticker = await startTicker(database(), 'cut')
    const ids = await insertJobs(database(), 'cut', 1_000)
    const order: string[] = []
    for (const slots of [1, 7, 240, 1, 239, 241, 500]) {
      const jobs = await ticker.claim({ slots })
      expect(jobs).toHaveLength(Math.min(slots, 1_000 - order.length))
      order.push(...jobs.map((job) => job.id))
    }
    expect(order).toEqual(ids)
    expect(await ticker.claim()).toEqual([])
  })

  test('comes before a later statement’s jobs', async () => {
    const ticker = await startTicker(database(), 'places')
    const early = await insertJobs(database(), 'places', 3)
    const first = await ticker.claim({ slots: 1 })
    const late = await insertJobs(database(), 'places', 2)
    const rest = await ticker.claim()
    expect([...first, ...rest].map((job) => job.id)).toEqual([...early, ...late])
  })
})

test('a claim of thousands takes them in one call', async () => {
  const ticker = await startTicker(database(), 'thousands')
  const ids = await insertJobs(database(), 'thousands', 3_000)
  const jobs = await ticker.claim({ slots: 3_000 })
  expect(jobs.map((job) => job.id)).toEqual(ids)
})

test('single inserts, one entry each, are claimed many at a time', async () => {
  const ticker = await startTicker(database(), 'single')
  const ids: string[] = []
  for (let n = 0; n < 50; n += 1) ids.push(await insertJob(database(), 'single'))
  const jobs = await ticker.claim({ slots: 40 })
  const rest = await ticker.claim()
  expect([...jobs, ...rest].map((job) => job.id)).toEqual(ids)
})
