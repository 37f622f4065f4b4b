import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { FINAL_STATUSES, readJob, STATUSES, type Status } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { insertJobIn, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

const TYPE = 'moved'
let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), TYPE)
})

afterEach(async () => {
  await database().query(`delete from jobtable.job where status <> 'started'`)
})

const pairs = STATUSES.flatMap((from) =>
  STATUSES.filter((to) => to !== from && !(to === 'new' && FINAL_STATUSES.includes(from))).map(
    (to) => ({ from, to }),
  ),
)

function remedy(from: Status, id: string): string {
  if (from === 'started') {
    return `To stop it: update jobtable.job set cancel_requested = true where id = ${id}`
  }
  if (from === 'new' || from === 'queued') {
    return `To cancel it: delete from jobtable.job where id = ${id}`
  }
  return `To run it again: update jobtable.job set status = 'new' where id = ${id}`
}

describe('a client that writes the status is refused by JT005', () => {
  test.each(pairs)('$from → $to', async ({ from, to }) => {
    const id = await insertJobIn(database(), ticker, from, TYPE)
    const before = await readJob(database(), id)
    const update = database().query('update jobtable.job set status = $2 where id = $1', [id, to])
    expect(await refusal(update)).toEqual({
      code: 'JT005',
      message: `job ${id} is ${from} and cannot be made ${to} by UPDATE`,
      detail: 'The queue alone writes the status, but for completed, failed or cancelled → new.',
      hint: remedy(from, id),
    })
    expect(await readJob(database(), id)).toEqual(before)
  })
})

test.each(STATUSES)(
  'to null: a client that writes it over %s is refused by 23502',
  async (from) => {
    const id = await insertJobIn(database(), ticker, from, TYPE)
    const update = database().query('update jobtable.job set status = null where id = $1', [id])
    expect((await refusal(update)).code).toBe('23502')
  },
)

test('the queue’s own writing leaves no door open in the transaction that called it', async () => {
  const id = await insertJobIn(database(), ticker, 'completed', TYPE)
  const client = await database().pool.connect()
  try {
    await client.query('begin')
    await client.query(
      `select * from jobtable_internal.tick(1, 1, '{}', '{}', '[]', '{}', '{}', '{}', '{}', '{}',
         0, 0, false, false, false)`,
    )
    const update = client.query('update jobtable.job set attempt = 9 where id = $1', [id])
    expect((await refusal(update)).code).toBe('JT004')
  } finally {
    await client.query('rollback')
    client.release()
  }
})
