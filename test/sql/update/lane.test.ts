import { describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { entriesOf, insertJob, insertJobs } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { only, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

async function steer(id: string, change: string): Promise<void> {
  await database().query(`update jobtable.job set ${change} where id = $1`, [id])
}

async function ids(claim: Promise<readonly { readonly id: string }[]>): Promise<string[]> {
  return (await claim).map((job) => job.id)
}

describe('priority', () => {
  test('moves a waiting job before or behind others', async () => {
    const ticker = await startTicker(database(), 'priority')
    const [a, b, c, d] = await insertJobs(database(), 'priority', 4)
    await steer(String(c), 'priority = -1')
    await steer(String(a), 'priority = 1')
    await steer(String(b), 'priority = 0')
    expect(await ids(ticker.claim())).toEqual([c, b, d, a])
  })

  test('changed many times leaves one turn, at the last one', async () => {
    const ticker = await startTicker(database(), 'changed')
    const [a, b] = await insertJobs(database(), 'changed', 2)
    for (const priority of [5, -5, 7, -7, 9]) await steer(String(a), `priority = ${priority}`)
    expect(await ids(ticker.claim())).toEqual([b, a])
    expect(await ticker.claim()).toEqual([])
  })

  test('changed to null is the type’s', async () => {
    const ticker = await startTicker(database(), 'to_null')
    const [a, b] = await insertJobs(database(), 'to_null', 2)
    await steer(String(b), 'priority = 5')
    await steer(String(b), 'priority = null')
    expect(await ids(ticker.claim())).toEqual([a, b])
  })

  test('changed from an urgent one to null is no longer urgent', async () => {
    const ticker = await startTicker(database(), 'calmed')
    const [a, b] = await insertJobs(database(), 'calmed', 2)
    await steer(String(b), 'priority = -5')
    await steer(String(b), 'priority = null')
    expect(await ids(ticker.claim())).toEqual([a, b])
  })

  test('reaches from one end of smallint to the other', async () => {
    const ticker = await startTicker(database(), 'extremes')
    const last = await insertJob(database(), 'extremes', { priority: 32_767 })
    const middle = await insertJob(database(), 'extremes')
    const first = await insertJob(database(), 'extremes', { priority: -32_768 })
    expect(await ids(ticker.claim())).toEqual([first, middle, last])
  })

  test('of the type applies to later jobs; jobs that wait already keep their lane and run', async () => {
    const ticker = await startTicker(database(), 'type_changed')
    const early = await insertJob(database(), 'type_changed')
    await database().query(
      `update jobtable.job_type set priority = -10 where name = 'type_changed'`,
    )
    const late = await insertJob(database(), 'type_changed')
    expect(await ids(ticker.claim())).toEqual([late, early])
  })
})

describe('run_at', () => {
  test('moved later keeps a job from being claimed, moved back releases it', async () => {
    const ticker = await startTicker(database(), 'later')
    const id = await insertJob(database(), 'later')
    await steer(id, `run_at = now() + interval '1 hour'`)
    expect(await ticker.claim()).toEqual([])
    await steer(id, 'run_at = now()')
    expect(await ids(ticker.claim())).toEqual([id])
  })

  test('moved earlier makes a job claimable by the new time, and the old entry does no harm', async () => {
    const ticker = await startTicker(database(), 'earlier')
    const id = await insertJob(database(), 'earlier', { run_at: '2030-01-01' })
    await steer(id, `run_at = '2029-01-01'`)
    await using session = await openSession(database())
    await session.query(`set jobtable.now = '2029-01-02'`)
    expect(await ids(ticker.claim({ session }))).toEqual([id])
    await session.query(`set jobtable.now = '2030-01-02'`)
    expect(await ticker.claim({ session })).toEqual([])
    expect(await entriesOf(database(), id)).toEqual({ ready: [], due: [] })
  })

  test('moved later twice waits for the last time', async () => {
    const ticker = await startTicker(database(), 'twice')
    const id = await insertJob(database(), 'twice', { run_at: '2030-01-01' })
    await steer(id, `run_at = '2031-01-01'`)
    await using session = await openSession(database())
    await session.query(`set jobtable.now = '2030-06-01'`)
    expect(await ticker.claim({ session })).toEqual([])
    await session.query(`set jobtable.now = '2031-06-01'`)
    expect(await ids(ticker.claim({ session }))).toEqual([id])
  })
})

describe('paused', () => {
  test('at INSERT keeps a job out of the queue until it is unpaused', async () => {
    const ticker = await startTicker(database(), 'born_paused')
    const id = await insertJob(database(), 'born_paused', { paused: true })
    expect(await entriesOf(database(), id)).toEqual({ ready: [], due: [] })
    await steer(id, 'paused = false')
    expect(await ids(ticker.claim())).toEqual([id])
  })

  test('and back again before a worker looked changes nothing', async () => {
    const ticker = await startTicker(database(), 'flickered')
    const [a, b] = await insertJobs(database(), 'flickered', 2)
    await steer(String(a), 'paused = true')
    await steer(String(a), 'paused = false')
    expect(await ids(ticker.claim())).toEqual([a, b])
    expect(await ticker.claim()).toEqual([])
  })

  test('while a worker looks, it is passed over and claimed after it was unpaused', async () => {
    const ticker = await startTicker(database(), 'held_back')
    const [a, b] = await insertJobs(database(), 'held_back', 2)
    await steer(String(a), 'paused = true')
    expect(await ids(ticker.claim())).toEqual([b])
    await steer(String(a), 'paused = false')
    expect(await ids(ticker.claim())).toEqual([a])
  })

  test('beside a later run_at counts until both are over', async () => {
    const ticker = await startTicker(database(), 'both')
    const id = await insertJob(database(), 'both', { paused: true, run_at: '2030-01-01' })
    await steer(id, 'paused = false')
    expect(await ticker.claim()).toEqual([])
    expect((await entriesOf(database(), id)).due).toEqual([new Date(2030, 0, 1)])
  })
})

test('steering many jobs in one statement moves each of them', async () => {
  const ticker = await startTicker(database(), 'en_masse')
  const all = await insertJobs(database(), 'en_masse', 600)
  await database().query(
    `update jobtable.job set priority = -1 where type = 'en_masse' and id % 2 = 0`,
  )
  const even = all.filter((id) => BigInt(id) % 2n === 0n)
  const odd = all.filter((id) => BigInt(id) % 2n !== 0n)
  expect(await ids(ticker.claim())).toEqual([...even, ...odd])
})

test('steering in a savepoint that is rolled back moves nothing', async () => {
  const ticker = await startTicker(database(), 'undone')
  const [a, b] = await insertJobs(database(), 'undone', 2)
  await using session = await openSession(database())
  await session.query('begin')
  await session.query('savepoint s')
  await session.query('update jobtable.job set priority = -1 where id = $1', [b])
  await session.query('rollback to savepoint s')
  await session.query('commit')
  expect(await ids(ticker.claim())).toEqual([a, b])
})

test('steering wakes the workers', async () => {
  const ticker = await startTicker(database(), 'woken')
  const id = await insertJob(database(), 'woken', { paused: true })
  await using listener = await openSession(database())
  await listener.query('listen jobtable_ready')
  const heard: string[] = []
  listener.client.on('notification', ({ channel }) => heard.push(channel))
  await steer(id, `title = 'no reason to wake'`)
  await steer(id, 'paused = false')
  await listener.query('select')
  expect(heard).toEqual(['jobtable_ready'])
  expect(only(await ticker.claim()).id).toBe(id)
})
