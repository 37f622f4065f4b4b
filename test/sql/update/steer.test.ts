import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import { insertJob, readJob, STATUSES, type Status } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'
import { insertJobIn, startTicker, type Ticker } from '../../support/ticker.ts'

const database = useDatabase()

const TYPE = 'steered'
let ticker: Ticker

beforeAll(async () => {
  ticker = await startTicker(database(), TYPE)
})

/** One change to one column, and its answer, `taken` or an SQLSTATE: by status, or in all of them. */
interface Steering {
  readonly column: string
  readonly value: unknown
  readonly answer: string | Readonly<Record<Status, string>>
}

const untilStarted = {
  new: 'taken',
  queued: 'taken',
  started: 'JT010',
  completed: 'JT010',
  failed: 'JT010',
  cancelled: 'JT010',
}

const fixed = {
  new: 'JT009',
  queued: 'JT009',
  started: 'JT009',
  completed: 'JT009',
  failed: 'JT009',
  cancelled: 'JT009',
}

const STEERINGS: readonly Steering[] = [
  { column: 'title', value: 'Another', answer: 'taken' },
  { column: 'title', value: null, answer: 'taken' },
  { column: 'properties', value: { a: 1 }, answer: 'taken' },
  { column: 'priority', value: 3, answer: untilStarted },
  { column: 'run_at', value: '2030-01-01', answer: untilStarted },
  { column: 'paused', value: true, answer: untilStarted },
  {
    column: 'payload',
    value: { a: 1 },
    answer: { ...untilStarted, queued: 'JT010' },
  },
  {
    column: 'cancel_requested',
    value: true,
    answer: {
      new: 'JT005',
      queued: 'JT005',
      started: 'taken',
      completed: 'JT007',
      failed: 'JT007',
      cancelled: 'JT007',
    },
  },
  {
    column: 'id',
    value: 4_000_000_000_000,
    // The attempts of a job refer to it: PostgreSQL sees that first.
    answer: { ...fixed, failed: '23503', cancelled: '23503' },
  },
  { column: 'type', value: 'another', answer: 'JT009' },
  { column: 'type', value: null, answer: '23502' },
  { column: 'owner', value: 'another', answer: 'JT009' },
  { column: 'key', value: 'another', answer: 'JT009' },
  { column: 'attempt', value: 7, answer: 'JT004' },
  { column: 'uncharged', value: 7, answer: 'JT004' },
  { column: 'created_at', value: '2026-01-01', answer: 'JT004' },
  { column: 'queued_at', value: '2026-01-01', answer: 'JT004' },
  { column: 'started_at', value: '2026-01-01', answer: 'JT004' },
  { column: 'finished_at', value: '2026-01-01', answer: 'JT004' },
  { column: 'failed_at', value: '2026-01-01', answer: 'JT004' },
  { column: 'worker', value: 7, answer: 'JT004' },
  { column: 'lease', value: 7, answer: 'JT004' },
  { column: 'status_detail', value: 'fine', answer: 'JT004' },
  { column: 'max_attempts', value: 2, answer: untilStarted },
  { column: 'timeout', value: '1 minute', answer: untilStarted },
  { column: 'cpus', value: 1, answer: 'JT003' },
  { column: 'memory_mb', value: 100, answer: 'JT003' },
  { column: 'template', value: 'nightly', answer: 'JT003' },
  { column: 'parent', value: 1, answer: 'JT003' },
  { column: 'max_attempts', value: 0, answer: 'JT002' },
  { column: 'timeout', value: '0', answer: 'JT002' },
  { column: 'run_at', value: '-infinity', answer: 'JT002' },
  { column: 'payload', value: '[]', answer: 'JT002' },
  { column: 'properties', value: '"text"', answer: 'JT002' },
]

const cases = STEERINGS.flatMap(({ column, value, answer }) =>
  STATUSES.map((status) => ({
    column,
    value,
    status,
    answer: typeof answer === 'string' ? answer : answer[status],
  })),
)

describe.each(STATUSES)('while a job is %s, an UPDATE of', (status) => {
  let id: string

  beforeAll(async () => {
    id = await insertJobIn(database(), ticker, status, TYPE, { title: 'One', payload: { b: 2 } })
  })

  // What is waiting would be handed to the next status's job.
  afterAll(async () => {
    await database().query(`delete from jobtable.job where id = $1 and status <> 'started'`, [id])
  })

  const mine = cases.filter((example) => example.status === status)

  test.each(mine.filter(({ answer }) => answer === 'taken'))(
    '$column to $value is taken',
    async ({ column, value }) => {
      await using session = await openSession(database())
      await session.query('begin')
      await session.query(`update jobtable.job set ${column} = $2 where id = $1`, [id, value])
      const [same] = await session.query(
        `select j.${column} is not distinct from given.${column} as same
         from jobtable.job j
         cross join jsonb_populate_record(null::jobtable.job, $2) as given
         where j.id = $1`,
        [id, { [column]: value }],
      )
      expect(same).toEqual({ same: true })
      await session.query('rollback')
    },
  )

  test.each(mine.filter(({ answer }) => answer !== 'taken'))(
    '$column to $value is refused by $answer',
    async ({ column, value, answer }) => {
      const before = await readJob(database(), id)
      const update = `update jobtable.job set ${column} = $2 where id = $1`
      expect((await refusal(database().query(update, [id, value]))).code).toBe(answer)
      expect(await readJob(database(), id)).toEqual(before)
    },
  )

  test('every column to itself changes nothing', async () => {
    const before = await readJob(database(), id)
    const columns = Object.keys(before ?? {})
    const same = columns.map((column) => `${column} = ${column}`).join(', ')
    await database().query(`update jobtable.job set ${same} where id = $1`, [id])
    expect(await readJob(database(), id)).toEqual(before)
  })
})

describe('the refusals say what to do', () => {
  let started: string
  let fresh: string

  beforeAll(async () => {
    started = await insertJobIn(database(), ticker, 'started', TYPE)
    fresh = await insertJob(database(), TYPE, { paused: true })
  })

  test('JT009, fixed at INSERT', async () => {
    const update = database().query(`update jobtable.job set owner = 'x' where id = $1`, [fresh])
    expect(await refusal(update)).toEqual({
      code: 'JT009',
      message: `column "owner" of job ${fresh} is fixed at INSERT`,
      detail: undefined,
      hint: 'Delete the job and insert another.',
    })
  })

  test('JT010, too late to steer', async () => {
    const update = database().query('update jobtable.job set priority = 1 where id = $1', [started])
    expect(await refusal(update)).toEqual({
      code: 'JT010',
      message: `job ${started} is started: its priority can no longer be changed`,
      detail:
        'payload is steered while a job is new; priority, run_at, paused, max_attempts and timeout until it starts.',
      hint: 'title and properties may be changed at any time.',
    })
  })

  test('JT010 of a finished job points to resubmission', async () => {
    const id = await insertJobIn(database(), ticker, 'completed', TYPE)
    const update = database().query('update jobtable.job set priority = 1 where id = $1', [id])
    expect(await refusal(update)).toMatchObject({
      message: `job ${id} is completed: its priority can no longer be changed`,
      hint: "Resubmit it in the same UPDATE: set status = 'new' beside the change.",
    })
  })

  test('JT005, nothing to stop yet', async () => {
    const update = database().query(
      'update jobtable.job set cancel_requested = true where id = $1',
      [fresh],
    )
    expect(await refusal(update)).toEqual({
      code: 'JT005',
      message: `job ${fresh} is new: there is nothing to stop yet`,
      detail: undefined,
      hint: `Cancel it: delete from jobtable.job where id = ${fresh}`,
    })
  })

  test('JT007, finished', async () => {
    const id = await insertJobIn(database(), ticker, 'failed', TYPE)
    const update = database().query(
      'update jobtable.job set cancel_requested = true where id = $1',
      [id],
    )
    expect(await refusal(update)).toEqual({
      code: 'JT007',
      message: `job ${id} is failed and cannot be cancelled`,
      detail: undefined,
      hint: 'A finished job stays as it is; DELETE removes it from the record.',
    })
  })
})

test.each(['payload', 'properties', 'run_at', 'paused', 'cancel_requested'])(
  'NULL in %s is refused by 23502: a default is for INSERT',
  async (column) => {
    const id = await insertJob(database(), TYPE, { paused: true })
    const update = database().query(`update jobtable.job set ${column} = null where id = $1`, [id])
    expect(await refusal(update)).toMatchObject({
      code: '23502',
      message: expect.stringContaining(`"${column}"`),
    })
  },
)

test('a request to cancel reaches the workers by its job’s number, once it is committed', async () => {
  const id = await insertJobIn(database(), ticker, 'started', TYPE)
  await using listener = await openSession(database())
  await listener.query('listen jobtable_cancel')
  const heard: (string | undefined)[] = []
  listener.client.on('notification', ({ payload }) => heard.push(payload))
  const request = `update jobtable.job set cancel_requested = true where id = ${id}`
  await database().query(`begin; ${request}; rollback`)
  await database().query(request)
  await database().query(request)
  await listener.query('select')
  expect(heard).toEqual([id])
})

test('an UPDATE of several rows is refused whole if one of them may not be changed', async () => {
  const open = await insertJob(database(), TYPE, { paused: true })
  const started = await database().query<{ id: string }>(
    `select id from jobtable.job where status = 'started' limit 1`,
  )
  const ids = [open, ...started.map((row) => row.id)]
  const update = database().query('update jobtable.job set priority = 9 where id = any ($1)', [ids])
  expect((await refusal(update)).code).toBe('JT010')
  expect(await readJob(database(), open)).toMatchObject({ priority: null })
})
