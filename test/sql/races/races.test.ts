// Pairs of steps that race for one job, each forced in both orders by a transaction that stays open:
//
// | pair | the left one first | the right one first |
// | --- | --- | --- |
// | delete, start | ../delete/delete.test.ts | ../delete/delete.test.ts |
// | cancel, finish | here | here |
// | rescue, late finish by a tick | ../rescue/rescue.test.ts | ../rescue/rescue.test.ts |
// | rescue, late finish by a transaction | here | here |
// | rescue, sign of life | ../rescue/rescue.test.ts | here |
// | resubmit, insert with the same key | here | ../update/resubmit.test.ts |
// | purge, resubmit | here | here |
// | steering, promotion of a scheduled job | here | here |
//
// With real workers: test/integration/worker/race.test.ts.
import { describe, expect, test } from 'vitest'
import * as maintenance from '../../../src/queries/maintenance.ts'
import * as registration from '../../../src/queries/registration.ts'
import * as running from '../../../src/queries/running.ts'
import type { HandedJob } from '../../../src/queries/tick.ts'
import * as queries from '../../../src/queries/worker.ts'
import { useDatabase } from '../../support/database.ts'
import { insertJob, readJob, statusOf } from '../../support/job.ts'
import { refusal, refusedBy } from '../../support/refusal.ts'
import { openSession, type Session, untilBlocked } from '../../support/session.ts'
import {
  beatOf,
  insertJobIn,
  only,
  outcome,
  startTicker,
  type Ticker,
} from '../../support/ticker.ts'

const database = useDatabase()

const error = { name: 'Error', message: 'it broke' }

/** A started job, with one more attempt if nothing is said, and its worker. */
async function start(
  type: string,
  maxAttempts = 2,
): Promise<{ readonly ticker: Ticker; readonly id: string; readonly job: HandedJob }> {
  const ticker = await startTicker(database(), type)
  const id = await insertJob(database(), type, { max_attempts: maxAttempts })
  return { ticker, id, job: only(await ticker.claim()) }
}

/** A session with an open transaction. */
async function begin(now?: string): Promise<Session> {
  const session = await openSession(database())
  await session.query('begin')
  if (now !== undefined) {
    await session.query(
      `select set_config('jobtable.now', (clock_timestamp() + $1::interval)::text, true)`,
      [now],
    )
  }
  return session
}

describe.each([
  ['jobtable.cancel()', 'select jobtable.cancel($1)'],
  ['an UPDATE', 'update jobtable.job set cancel_requested = true where id = $1'],
])('cancel by %s and finish', (by, cancel) => {
  test.each([
    ['completed', 'completed'],
    ['failed', 'cancelled'],
    ['snoozed', 'cancelled'],
    ['released', 'cancelled'],
  ] as const)('a cancel that is first: the %s job is sent again, and %s', async (sent, status) => {
    const { ticker, id, job } = await start(`${by} before ${sent}`)
    await using client = await begin()
    await client.query(cancel, [id])
    const end = outcome(job, sent, { error })
    expect(await ticker.finish([end])).toMatchObject({ locked: [id], lost: [] })
    await client.query('commit')
    expect(await ticker.finish([end])).toMatchObject({ locked: [], lost: [] })
    expect(await statusOf(database(), id)).toBe(status)
  })

  test.each([
    ['failed', {}],
    ['failed', { permanent: true }],
    ['timed_out', {}],
  ] as const)('a cancel that is first: no attempt left, %s %o, cancelled', async (sent, more) => {
    const { ticker, id, job } = await start(`${by} before ${sent} ${JSON.stringify(more)}`, 1)
    await database().query(cancel, [id])
    await ticker.finish([outcome(job, sent, { error, ...more })])
    expect(await statusOf(database(), id)).toBe('cancelled')
  })

  test('a finish that is first: the cancel waits, and is refused', async () => {
    const { ticker, id, job } = await start(`${by} after`)
    await using worker = await begin()
    await ticker.finish([outcome(job, 'completed')], worker)
    await using client = await openSession(database())
    const late = refusal(client.query(cancel, [id]))
    await untilBlocked(database(), client)
    await worker.query('commit')
    expect((await late).code).toBe('JT007')
    expect(await readJob(database(), id)).toMatchObject({
      status: 'completed',
      cancel_requested: false,
    })
    const record = 'select from jobtable.job_cancel where job = $1'
    expect(await database().query(record, [id])).toEqual([])
  })

  test('a finish that is first and undone: the job is asked to stop', async () => {
    const { ticker, id, job } = await start(`${by} undone`)
    await using worker = await begin()
    await ticker.finish([outcome(job, 'completed')], worker)
    await using client = await openSession(database())
    const late = client.query(cancel, [id])
    await untilBlocked(database(), client)
    await worker.query('rollback')
    await late
    expect(await readJob(database(), id)).toMatchObject({
      status: 'started',
      cancel_requested: true,
    })
  })

  test('a finish that gives the job back first: the cancel does not leave it to run again', async () => {
    const type = `${by} given back`
    const { ticker, id, job } = await start(type)
    await using worker = await begin()
    await ticker.finish([outcome(job, 'released')], worker)
    await using client = await openSession(database())
    const late = refusedBy(client.query(cancel, [id]))
    await untilBlocked(database(), client)
    await worker.query('commit')
    // The function deletes what is new by now; the UPDATE means a started job, and says so.
    expect([await late, await statusOf(database(), id)]).toEqual(
      by === 'an UPDATE' ? ['JT005', 'new'] : [undefined, undefined],
    )
  })
})

async function seenAt({ id }: Ticker): Promise<string> {
  const [row] = await database().query<{ at: string }>(
    'select seen_at::text as at from jobtable.worker where id = $1',
    [id],
  )
  return row?.at ?? ''
}

test('a sign of life that a rescue meets halfway: jobs are taken only from a worker that is told', async () => {
  const { ticker } = await start('halfway')
  await database().query(`alter function jobtable_internal.beat set lock_timeout = '10s'`)
  await using other = await begin()
  // Who lives may look at its row and lock it, but not write it yet.
  await other.query('lock table jobtable.worker in share mode')
  await using worker = await openSession(database())
  const late = beatOf(worker.client, ticker.id)
  await untilBlocked(database(), worker)
  const { rescued } = await queries.rescue(other.client, ticker.id, await seenAt(ticker), 10)
  await other.query('commit')
  const answers = [await late, await beatOf(database().pool, ticker.id)]
  expect(answers.some((answer) => answer.wasLost)).toBe(rescued > 0)
})

describe('rescue and the executor’s own transaction', () => {
  test.each([
    ['commit', 'new'],
    ['rollback', 'completed'],
  ])('a rescue that is first: its %s decides for the transaction', async (end, status) => {
    const { ticker, id, job } = await start(`rescue ${end}`)
    await using other = await begin()
    const answer = await queries.rescue(other.client, ticker.id, await seenAt(ticker), 10)
    expect(answer).toEqual({ rescued: 1, more: false })
    await using executor = await begin()
    const late = refusedBy(running.complete(executor.client, job, undefined))
    await untilBlocked(database(), executor)
    await other.query(end)
    expect(await late).toBe(end === 'commit' ? 'JT014' : undefined)
    await executor.query('commit')
    expect(await statusOf(database(), id)).toBe(status)
  })

  test.each([
    ['commit', 'completed', 0],
    ['rollback', 'new', 1],
  ])('a transaction that is first: its %s decides for the rescue', async (end, status, later) => {
    const { ticker, id, job } = await start(`complete ${end}`)
    await using executor = await begin()
    await running.complete(executor.client, job, undefined)
    const rescue = await queries.rescue(database().pool, ticker.id, await seenAt(ticker), 10)
    expect(rescue).toEqual({ rescued: 0, more: false })
    await executor.query(end)
    // The job is still in its receipt, and so the worker is told to others.
    const other = await startTicker(database(), 'other')
    expect((await beatOf(database().pool, other.id)).orphans).toContain(ticker.id)
    const again = await queries.rescue(database().pool, ticker.id, null, 10)
    expect(again).toEqual({ rescued: later, more: false })
    expect(await statusOf(database(), id)).toBe(status)
  })
})

describe('resubmit, and INSERT with the same key', () => {
  const insert = "insert into jobtable.job (type, key) values ($1, 'k')"
  const gently = `${insert} on conflict do nothing`

  test.each([
    [insert, 'commit', '23505', 1],
    [insert, 'rollback', undefined, 1],
    [gently, 'commit', undefined, 0],
    [gently, 'rollback', undefined, 1],
  ] as const)(
    'a resubmit that is first: %s waits for its %s',
    async (statement, end, code, others) => {
      const type = `${statement} ${end}`
      const ticker = await startTicker(database(), type)
      const id = await insertJobIn(database(), ticker, 'failed', type, { key: 'k' })
      await using first = await begin()
      await first.query('select jobtable.resubmit($1)', [id])
      await using second = await openSession(database())
      const late = refusedBy(second.query(statement, [type]))
      await untilBlocked(database(), second)
      await first.query(end)
      expect(await late).toBe(code)
      const inserted = await database().query(
        'select from jobtable.job where type = $1 and id <> $2',
        [type, id],
      )
      expect(inserted).toHaveLength(code === undefined ? others : 0)
      // Whoever holds the key, one job runs.
      expect(await ticker.claim()).toHaveLength(1)
    },
  )
})

describe('purge and resubmit', () => {
  const finished = async (type: string): Promise<readonly [string, Ticker]> => {
    await registration.registerType(database().pool, type, { retention: '1 hour' })
    const ticker = await startTicker(database(), type)
    return [await insertJobIn(database(), ticker, 'completed', type), ticker]
  }
  const resubmit = 'select jobtable.resubmit($1)'

  test('a purge that is first: the resubmit waits, and there is no such job', async () => {
    const [id, ticker] = await finished('purge first')
    await using first = await begin('2 hours')
    expect(await maintenance.purge(first.client, 10)).toBe(1)
    await using client = await openSession(database())
    const late = refusal(client.query(resubmit, [id]))
    await untilBlocked(database(), client)
    await first.query('commit')
    expect((await late).code).toBe('JT015')
    expect(await ticker.claim()).toEqual([])
  })

  test('a purge that is first and undone: the job runs again', async () => {
    const [id, ticker] = await finished('purge undone')
    await using first = await begin('2 hours')
    expect(await maintenance.purge(first.client, 10)).toBe(1)
    await using client = await openSession(database())
    const late = client.query(resubmit, [id])
    await untilBlocked(database(), client)
    await first.query('rollback')
    await late
    expect(only(await ticker.claim()).id).toBe(id)
  })

  test.each([
    ['commit', 'new', 0],
    ['rollback', 'completed', 1],
  ])(
    'a resubmit that is first: the purge passes the job over, and after the %s finds it %s',
    async (end, status, gone) => {
      const [id] = await finished(`resubmit ${end}`)
      await using client = await begin()
      await client.query(resubmit, [id])
      await using purging = await begin('2 hours')
      expect(await maintenance.purge(purging.client, 10)).toBe(0)
      await purging.query('commit')
      await client.query(end)
      expect(await statusOf(database(), id)).toBe(status)
      await using next = await begin('2 hours')
      expect(await maintenance.purge(next.client, 10)).toBe(gone)
      await next.query('commit')
    },
  )
})

describe.each([
  ['a new priority', 'priority = -1'],
  ['the end of a pause', 'paused = false'],
])('%s and the promotion of a scheduled job', (what, change) => {
  /** A scheduled job, and its worker. */
  async function schedule(type: string): Promise<{ readonly ticker: Ticker; readonly id: string }> {
    const ticker = await startTicker(database(), type)
    const id = await insertJob(database(), type, { run_at: new Date(Date.now() + 3_600_000) })
    if (change.startsWith('paused')) {
      await database().query('update jobtable.job set paused = true where id = $1', [id])
    }
    return { ticker, id }
  }

  const update = `update jobtable.job set ${change} where id = $1`
  const promote = 'select jobtable_internal.promote()'

  test('a change that is first: no claim that began before it is committed loses the job', async () => {
    const { ticker, id } = await schedule(`${what} before`)
    await using client = await begin()
    await client.query(update, [id])
    await using worker = await begin('2 hours')
    await worker.query(promote)
    await client.query('commit')
    const claimed = [...(await ticker.claim({ session: worker }))]
    await worker.query('commit')
    await using later = await begin('3 hours')
    claimed.push(...(await ticker.claim({ session: later })))
    expect(claimed.map((job) => job.id)).toEqual([id])
  })

  test('a promotion that is first: the change waits for it, and the job runs', async () => {
    const { ticker, id } = await schedule(`${what} after`)
    await using worker = await begin('2 hours')
    await worker.query(promote)
    await using client = await openSession(database())
    const changed = client.query(update, [id])
    await untilBlocked(database(), client)
    const claimed = [...(await ticker.claim({ session: worker }))]
    await worker.query('commit')
    await changed
    await using later = await begin('3 hours')
    claimed.push(...(await ticker.claim({ session: later })))
    expect(claimed.map((job) => job.id)).toEqual([id])
  })
})
