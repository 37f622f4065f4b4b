import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { FINAL_STATUSES, insertJob, readJob, statusOf } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'
import {
  bring,
  insertJobIn,
  only,
  outcome,
  startTicker,
  type Ticker,
} from '../../support/ticker.ts'

const database = useDatabase()

let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), 'again')
})

const update = `update jobtable.job set status = 'new' where id = $1`

describe.each([
  ['UPDATE of the status', update],
  ['jobtable.resubmit()', 'select jobtable.resubmit($1)'],
])('by %s', (_, resubmit) => {
  test.each(FINAL_STATUSES)(
    'a %s job runs again, and its attempts go on counting',
    async (status) => {
      const id = await insertJobIn(database(), ticker, status, 'again', { title: 'One' })
      await database().query(resubmit, [id])
      expect(await readJob(database(), id)).toMatchObject({
        status: 'new',
        attempt: 1,
        uncharged: 1,
        queued_at: null,
        started_at: null,
        finished_at: null,
        failed_at: null,
        worker: null,
        lease: null,
        status_detail: null,
        cancel_requested: false,
        title: 'One',
      })
      const job = only(await ticker.claim())
      expect(job).toMatchObject({ id, attempt: 2, status: 'started' })
      await ticker.finish([outcome(job, 'completed')])
      expect(await statusOf(database(), id)).toBe('completed')
    },
  )

  test('attempts and logs are kept, progress and result are not', async () => {
    const id = await insertJob(database(), 'again')
    const job = only(await ticker.claim())
    await database().query(
      `insert into jobtable.job_log (job, attempt, at, level, message)
       values ($1, 1, now(), 'info', 'hello')`,
      [id],
    )
    await database().query(`select jobtable.update_facet('jobtable.job_progress', $1, $2)`, [
      id,
      { fraction: 0.5 },
    ])
    await database().query(`select jobtable.update_facet('jobtable.job_result', $1, $2)`, [
      id,
      { value: 1 },
    ])
    await ticker.finish([outcome(job, 'failed', { error: { name: 'E', message: 'first' } })])
    await database().query(resubmit, [id])
    const counts = await database().query(
      `select (select count(*)::int from jobtable.job_attempt where job = $1) as attempts,
         (select count(*)::int from jobtable.job_log where job = $1) as logs,
         (select count(*)::int from jobtable.job_progress where job = $1) as progress,
         (select count(*)::int from jobtable.job_result where job = $1) as results`,
      [id],
    )
    expect(counts).toEqual([{ attempts: 1, logs: 1, progress: 0, results: 0 }])
    const again = only(await ticker.claim())
    await ticker.finish([outcome(again, 'failed', { error: { name: 'E', message: 'second' } })])
    const attempts = await database().query(
      'select n, error_message from jobtable.job_attempt where job = $1 order by n',
      [id],
    )
    expect(attempts).toEqual([
      { n: 1, error_message: 'first' },
      { n: 2, error_message: 'second' },
    ])
  })

  test('it is refused by JT008 while another unfinished job holds its key', async () => {
    const id = await insertJobIn(database(), ticker, 'completed', 'again', { key: `held ${_}` })
    const holder = await insertJob(database(), 'again', { key: `held ${_}` })
    expect(await refusal(database().query(resubmit, [id]))).toEqual({
      code: 'JT008',
      message: `job ${id} cannot run again: its key "held ${_}" is held by job ${holder}`,
      detail: 'At most one unfinished job holds a key for one owner and type.',
      hint: `Wait until job ${holder} has finished, or delete it.`,
    })
    await database().query('delete from jobtable.job where id = $1', [holder])
    await database().query(resubmit, [id])
    expect(await readJob(database(), id)).toMatchObject({ status: 'new', holds_key: true })
    await bring(database(), ticker, 'completed', id)
  })
})

describe('in the same UPDATE', () => {
  test('payload, priority, run_at, title and properties may change', async () => {
    const id = await insertJobIn(database(), ticker, 'failed', 'again')
    await database().query(
      `update jobtable.job
       set status = 'new', payload = '{"n": 2}', priority = 3, title = 'Again',
         properties = '{"p": 1}', run_at = now() - interval '1 second'
       where id = $1`,
      [id],
    )
    expect(only(await ticker.claim())).toMatchObject({
      id,
      payload: { n: 2 },
      priority: 3,
      title: 'Again',
      properties: { p: 1 },
    })
  })

  test('a later run_at puts it off', async () => {
    const id = await insertJobIn(database(), ticker, 'failed', 'again')
    await database().query(
      `update jobtable.job set status = 'new', run_at = now() + interval '1 hour' where id = $1`,
      [id],
    )
    expect(await ticker.claim()).toEqual([])
  })

  test('paused holds it until it is unpaused', async () => {
    const id = await insertJobIn(database(), ticker, 'failed', 'again')
    await database().query(`update jobtable.job set status = 'new', paused = true where id = $1`, [
      id,
    ])
    expect(await ticker.claim()).toEqual([])
    await database().query('update jobtable.job set paused = false where id = $1', [id])
    expect(only(await ticker.claim()).id).toBe(id)
  })

  test('type, owner and key may not, nor what the queue writes', async () => {
    const id = await insertJobIn(database(), ticker, 'failed', 'again')
    for (const [change, code] of [
      [`type = 'another'`, 'JT009'],
      [`owner = 'another'`, 'JT009'],
      [`key = 'another'`, 'JT009'],
      ['attempt = 0', 'JT004'],
      ['finished_at = null', 'JT004'],
      ['cpus = 5', 'JT003'],
    ] as const) {
      const statement = `update jobtable.job set status = 'new', ${change} where id = $1`
      expect((await refusal(database().query(statement, [id]))).code).toBe(code)
    }
  })
})

test('it starts its time anew: run_at is now, created_at stays', async () => {
  const id = await insertJobIn(database(), ticker, 'completed', 'again', { run_at: '2026-01-01' })
  await using session = await openSession(database())
  await session.query('begin')
  await session.query(`update jobtable.job set status = 'new' where id = $1`, [id])
  const [row] = await session.query(
    'select run_at = now() as is_due_now, created_at < now() as is_older from jobtable.job where id = $1',
    [id],
  )
  expect(row).toEqual({ is_due_now: true, is_older: true })
  await session.query('commit')
  await bring(database(), ticker, 'completed', id)
})

test('many at once run again, each once', async () => {
  const ids: string[] = []
  for (let n = 0; n < 5; n += 1) {
    ids.push(await insertJobIn(database(), ticker, 'failed', 'again', { title: 'many' }))
  }
  await database().query(`update jobtable.job set status = 'new' where title = 'many'`)
  const claimed = (await ticker.claim()).map((job) => job.id)
  expect(claimed.toSorted()).toEqual(ids.toSorted())
  expect(await ticker.claim()).toEqual([])
})

test('a savepoint that is rolled back leaves the job finished and not claimable', async () => {
  const id = await insertJobIn(database(), ticker, 'failed', 'again')
  await using session = await openSession(database())
  await session.query('begin')
  await session.query('savepoint s')
  await session.query(update, [id])
  await session.query('rollback to savepoint s')
  await session.query('commit')
  expect(await statusOf(database(), id)).toBe('failed')
  expect(await ticker.claim()).toEqual([])
})

test('two sessions that resubmit one job at a time run it once', async () => {
  const id = await insertJobIn(database(), ticker, 'failed', 'again')
  await using first = await openSession(database())
  await using second = await openSession(database())
  await first.query('begin')
  await first.query('select jobtable.resubmit($1)', [id])
  const late = refusal(second.query('select jobtable.resubmit($1)', [id]))
  await untilBlocked(database(), second)
  await first.query('commit')
  expect((await late).code).toBe('JT005')
  // A client hears of its refusal a moment before its locks are gone.
  await second.query('select')
  expect((await ticker.claim()).map((job) => job.id)).toEqual([id])
})

test('racing an INSERT of the same key, one of the two wins', async () => {
  const id = await insertJobIn(database(), ticker, 'failed', 'again', { key: 'raced' })
  await using first = await openSession(database())
  await using second = await openSession(database())
  await first.query('begin')
  await insertJob(first, 'again', { key: 'raced' })
  const late = refusal(second.query(update, [id]))
  await untilBlocked(database(), second)
  await first.query('commit')
  // Too late for the guard's own look: the unique index has the last word.
  expect((await late).code).toBe('23505')
  expect((await refusal(second.query(update, [id]))).code).toBe('JT008')
})

describe('jobtable.resubmit() is refused', () => {
  test.each(['new', 'queued', 'started'] as const)('by JT005 while a job is %s', async (status) => {
    const own = await startTicker(database(), `refused_${status}`)
    const id = await insertJobIn(database(), own, status, `refused_${status}`)
    expect(await refusal(database().query('select jobtable.resubmit($1)', [id]))).toEqual({
      code: 'JT005',
      message: `job ${id} is ${status} and cannot be resubmitted`,
      detail: undefined,
      hint: 'Only a completed, failed or cancelled job runs again.',
    })
  })

  test('by JT015 if there is no such job', async () => {
    expect(await refusal(database().query('select jobtable.resubmit(0)'))).toMatchObject({
      code: 'JT015',
      message: 'there is no job 0',
    })
  })
})
