import { beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { FINAL_STATUSES, insertJob, readJob, statusOf } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, type Session, untilBlocked } from '../../support/session.ts'
import { insertJobIn, only, outcome, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

const TYPE = 'cancelled'
let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), TYPE)
})

async function cancel(id: string, session?: Session): Promise<unknown> {
  const [row] = await (session ?? database()).query('select jobtable.cancel($1) as answer', [id])
  return row?.['answer']
}

test.each(['new', 'queued'] as const)('a %s job is deleted', async (status) => {
  const id = await insertJobIn(database(), ticker, status, TYPE)
  expect(await cancel(id)).toBe('deleted')
  expect(await readJob(database(), id)).toBeUndefined()
})

test('a paused job and one of the future are deleted', async () => {
  for (const columns of [{ paused: true }, { run_at: '2030-01-01' }]) {
    const id = await insertJob(database(), TYPE, columns)
    expect(await cancel(id)).toBe('deleted')
    expect(await readJob(database(), id)).toBeUndefined()
  }
})

test('a started job is asked to stop, as often as one likes', async () => {
  const id = await insertJobIn(database(), ticker, 'started', TYPE)
  expect(await cancel(id)).toBe('requested')
  expect(await cancel(id)).toBe('requested')
  expect(await readJob(database(), id)).toMatchObject({ status: 'started', cancel_requested: true })
})

test.each(FINAL_STATUSES)('a %s job is refused by JT007', async (status) => {
  const id = await insertJobIn(database(), ticker, status, TYPE)
  expect(await refusal(cancel(id))).toEqual({
    code: 'JT007',
    message: `job ${id} is ${status} and cannot be cancelled`,
    detail: undefined,
    hint: 'A finished job stays as it is; DELETE removes it from the record.',
  })
})

test('a job that is not there is refused by JT015', async () => {
  expect(await refusal(cancel('0'))).toEqual({
    code: 'JT015',
    message: 'there is no job 0',
    detail: undefined,
    hint: 'It was deleted, or never committed.',
  })
})

test('a job that starts while it waits is asked to stop', async () => {
  const id = await insertJob(database(), TYPE)
  await using worker = await openSession(database())
  await using client = await openSession(database())
  await worker.query('begin')
  const job = only(await ticker.claim({ session: worker }))
  const answer = cancel(id, client)
  await untilBlocked(database(), client)
  await worker.query('commit')
  expect(await answer).toBe('requested')
  await ticker.finish([outcome(job, 'cancelled')])
  expect(await statusOf(database(), id)).toBe('cancelled')
})

test('a job that a worker looks at while it is being cancelled is not started', async () => {
  const id = await insertJob(database(), TYPE)
  await using client = await openSession(database())
  await client.query('begin')
  expect(await cancel(id, client)).toBe('deleted')
  expect(await ticker.claim()).toEqual([])
  await client.query('commit')
  expect(await readJob(database(), id)).toBeUndefined()
})
