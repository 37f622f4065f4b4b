import { beforeAll, describe, expect, test } from 'vitest'
import { copyIn } from '../../support/copy.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob, readJob } from '../../support/job.ts'
import { refusal, refusedBy } from '../../support/refusal.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()

beforeAll(async () => {
  await addTypes(database(), 'count_words', 'count_lines', 'send_mail', 'convert')
})

const QUEUE_COLUMNS: Readonly<Record<string, unknown>> = {
  status: 'started',
  attempt: 1,
  uncharged: 1,
  created_at: '2026-01-01',
  queued_at: '2026-01-01',
  started_at: '2026-01-01',
  finished_at: '2026-01-01',
  failed_at: '2026-01-01',
  worker: 1,
  lease: 1,
  status_detail: 'fine',
}

const UNSUPPORTED_COLUMNS: Readonly<Record<string, unknown>> = {
  cpus: 1.5,
  memory_mb: 100,
  template: 'nightly',
  parent: 1,
}

describe('a column that only the queue writes', () => {
  test.each(Object.entries(QUEUE_COLUMNS))('is refused by JT004: %s', async (column, value) => {
    expect(await refusal(insertJob(database(), 'convert', { [column]: value }))).toEqual({
      code: 'JT004',
      message: `column "${column}" of a job is written by the queue alone`,
      detail:
        'A client may insert type, payload, owner, title, properties, priority, run_at, paused, max_attempts, timeout, key.',
      hint: 'Leave the column out.',
    })
  })

  test.each(['queued', 'completed', 'failed', 'cancelled'])(
    'status %s is refused',
    async (status) => {
      const { code } = await refusal(insertJob(database(), 'convert', { status }))
      expect(code).toBe('JT004')
    },
  )

  test.each([undefined, 'k'])('holds_key is refused, with key %s', async (key) => {
    const { code } = await refusal(insertJob(database(), 'convert', { holds_key: true, key }))
    expect(code).toBe('JT004')
  })

  test('is refused in a COPY too, and in one row among many', async () => {
    await using session = await openSession(database())
    const lines = ['convert\tnew', 'convert\tstarted', 'convert\tnew']
    expect(await refusal(copyIn(session, 'jobtable.job (type, status)', lines))).toMatchObject({
      code: 'JT004',
      message: 'column "status" of a job is written by the queue alone',
    })
  })

  test('its default value is accepted', async () => {
    const rows = await database().query(
      `insert into jobtable.job (type, status, attempt, uncharged, created_at)
       values ('convert', 'new', 0, 0, now()) returning id`,
    )
    expect(rows).toHaveLength(1)
  })
})

describe('a column whose feature does not exist yet', () => {
  const cases = Object.entries(UNSUPPORTED_COLUMNS)

  test.each(cases)('is refused by JT003: %s', async (column, value) => {
    expect(await refusal(insertJob(database(), 'convert', { [column]: value }))).toEqual({
      code: 'JT003',
      message: `column "${column}" is not supported by this version`,
      detail: undefined,
      hint: 'Leave it out, or set it to null.',
    })
  })

  test('is refused by JT003: cancel_requested, since the job has not begun', async () => {
    const asked = insertJob(database(), 'convert', { cancel_requested: true })
    expect(await refusal(asked)).toMatchObject({
      code: 'JT003',
      message: 'a job cannot be inserted with cancel_requested',
    })
  })

  test('accepts the value that changes nothing', async () => {
    const id = await insertJob(database(), 'convert', { max_attempts: 1, cancel_requested: false })
    expect(await readJob(database(), id)).toMatchObject({
      max_attempts: 1,
      cancel_requested: false,
    })
  })
})

test.each([
  ['max_attempts', 0, 'more than 0, not 0'],
  ['timeout', '-1 s', 'more than 0 and finite, not -00:00:01'],
])('%s of %s is refused by JT002', async (column, value, told) => {
  expect(await refusal(insertJob(database(), 'convert', { [column]: value }))).toEqual({
    code: 'JT002',
    message: `the ${column} of a job must be ${told}`,
    detail: undefined,
    hint: 'Leave it out, or set it to null, for that of the type.',
  })
})

test.each(['owner', 'key'])('the %s has at most 1,000 bytes', async (column) => {
  const insert = async (characters: number): Promise<string> =>
    await insertJob(database(), 'convert', { [column]: 'é'.repeat(characters) })
  expect(await refusal(insert(501))).toEqual({
    code: 'JT002',
    message: `the ${column} of a job has at most 1000 bytes, not 1002`,
    detail: undefined,
    hint: 'Use a hash of it: md5(…).',
  })
  await insert(500)
})

test('an owner that the client is has at most 1,000 bytes', async () => {
  await using session = await openSession(database())
  await session.query(`select set_config('jobtable.owner', repeat('x', 1001), false)`)
  expect(await refusedBy(insertJob(session, 'convert'))).toBe('JT002')
})

test('owner and key at their longest fit into one index', async () => {
  const random = `(select string_agg(md5(random()::text), '') from generate_series(1, 31))`
  const insert = `insert into jobtable.job (type, owner, key)
    values ('convert', ${random}, ${random}) returning octet_length(owner || key) as bytes`
  expect(await database().query(insert)).toEqual([{ bytes: 1984 }])
})

test.each(['-infinity', '0044-03-15 BC'])('run_at of %s is refused by JT002', async (runAt) => {
  expect(await refusal(insertJob(database(), 'convert', { run_at: runAt }))).toMatchObject({
    code: 'JT002',
    message: expect.stringContaining('the run_at of a job must be of our era, not '),
    hint: 'Leave it out, or set it to null, for now.',
  })
})

test('a timeout without end is refused, of a job by JT002 and of a type by 23514', async () => {
  const type = `insert into jobtable.job_type (name, timeout) values ('endless', 'infinity')`
  const codes = [
    await refusedBy(insertJob(database(), 'convert', { timeout: 'infinity' })),
    await refusedBy(database().query(type)),
  ]
  const [server] = await database().query(
    `select current_setting('server_version_num')::integer >= 170000 as knows`,
  )
  // Before PostgreSQL 17 no interval was infinite.
  expect(codes).toEqual(server?.['knows'] === true ? ['JT002', '23514'] : ['22007', '22007'])
})

describe('the type', () => {
  const remedy =
    'A type is known once a worker with its executor has started, or after `jobtable register`.'

  test('that nobody has registered is refused by JT001, with the nearest names', async () => {
    expect(await refusal(insertJob(database(), 'count_wrods'))).toEqual({
      code: 'JT001',
      message: 'unknown job type "count_wrods"',
      detail: 'No row of jobtable.job_type has this name.',
      hint: `Did you mean "count_words", "count_lines"? ${remedy}`,
    })
  })

  test.each(['xyzzy', '', ' ', 'q', '"; drop table'])(
    'that resembles none is refused without a guess: %j',
    async (type) => {
      expect(await refusal(insertJob(database(), type))).toMatchObject({
        code: 'JT001',
        message: `unknown job type "${type}"`,
        hint: remedy,
      })
    },
  )

  test.each(['Convert', 'convert ', 'CONVERT'])('is taken as written: %j', async (type) => {
    const { code, hint } = await refusal(insertJob(database(), type))
    expect(code).toBe('JT001')
    expect(hint).toMatch(/^Did you mean "convert"\?/)
  })

  test.each([{ type: null }, { type: undefined }])(
    'that is null is refused: %j',
    async (columns) => {
      const statement =
        'type' in columns && columns.type === null
          ? `insert into jobtable.job (type) values (null)`
          : `insert into jobtable.job (payload) values ('{}')`
      expect(await refusal(database().query(statement))).toEqual({
        code: 'JT001',
        message: 'a job needs a type',
        detail: undefined,
        hint: 'Set the column type to a name in jobtable.job_type.',
      })
    },
  )

  test.each([
    ['unknown', 'count_wrods', 'JT001'],
    ['disabled', 'count_lines', 'JT026'],
  ])('that is %s is told without the text of a query of the queue', async (_, type, code) => {
    await using session = await openSession(database())
    await session.query('begin')
    await session.query(`update jobtable.job_type set enabled = false where name = 'count_lines'`)
    const insert = session.query('insert into jobtable.job (type) values ($1)', [type])
    const refused: unknown = await insert.catch((error: unknown) => error)
    await session.query('rollback')
    expect(refused).toMatchObject({ code, where: expect.not.stringContaining('alike') })
    expect(refused).toMatchObject({ where: expect.stringMatching(/^PL.*\nSQL .*\nPL.*$/) })
  })

  test.each([{ paused: true }, { run_at: '2099-01-01' }, { paused: true, run_at: '2099-01-01' }])(
    'that is unknown is refused of a job that does not run yet: %j',
    async (columns) => {
      expect(await refusal(insertJob(database(), 'nothing', columns))).toMatchObject({
        code: 'JT001',
        message: 'unknown job type "nothing"',
      })
    },
  )

  test('unknown in one row of many refuses the whole statement', async () => {
    const insert = `insert into jobtable.job (type, key) values ('convert', 'all'), ('nothing', 'all')`
    expect((await refusal(database().query(insert))).code).toBe('JT001')
    expect(await database().query(`select from jobtable.job where key = 'all'`)).toEqual([])
  })

  test('that is registered in the same transaction is known', async () => {
    await using session = await openSession(database())
    await session.query('begin')
    await addTypes(session, 'registered_now')
    const id = await insertJob(session, 'registered_now')
    await session.query('commit')
    expect(await readJob(database(), id)).toMatchObject({ type: 'registered_now' })
  })
})

describe('the payload and the properties', () => {
  const cases = ['payload', 'properties'].flatMap((column) => [
    { column, value: '[1, 2]', kind: 'an array' },
    { column, value: '"text"', kind: 'a string' },
    { column, value: '1', kind: 'a number' },
    { column, value: 'true', kind: 'a boolean' },
    { column, value: 'null', kind: 'null' },
  ])

  test.each(cases)('must be objects: $column $value is refused by JT002', async (example) => {
    const { column, value, kind } = example
    expect(await refusal(insertJob(database(), 'convert', { [column]: value }))).toEqual({
      code: 'JT002',
      message: `the ${column} of a job must be a JSON object, not ${kind}`,
      detail: 'Type "convert".',
      hint: 'Wrap the value: {"value": …}. For JSON null, leave the column out.',
    })
  })

  test('of more than 16 MB as text are refused by JT002, and of somewhat less are not', async () => {
    const insert = async (bytes: number): Promise<unknown> =>
      await database().query(
        `insert into jobtable.job (type, payload)
         select 'convert', jsonb_build_object('text', repeat('x', $1::integer))`,
        [bytes],
      )
    await insert(15 * 1024 * 1024)
    expect(await refusal(insert(16 * 1024 * 1024))).toMatchObject({
      code: 'JT002',
      message: expect.stringContaining('has at most 16777216 bytes as text') as string,
    })
  })

  test('must be objects in a COPY too', async () => {
    await using session = await openSession(database())
    const copied = copyIn(session, 'jobtable.job (type, payload)', ['convert\t[]'])
    expect((await refusal(copied)).code).toBe('JT002')
  })

  test('that are not JSON at all are refused by PostgreSQL', async () => {
    const { code } = await refusal(insertJob(database(), 'convert', { payload: '{' }))
    expect(code).toBe('22P02')
  })
})

test('TRUNCATE is refused by JT011', async () => {
  expect(await refusal(database().query('truncate jobtable.job cascade'))).toEqual({
    code: 'JT011',
    message: 'TRUNCATE of jobtable.job is refused',
    detail: 'It would remove started jobs under their workers.',
    hint: "delete from jobtable.job where status <> 'started'",
  })
})

test('TRUNCATE without CASCADE is refused by PostgreSQL, because of the facets', async () => {
  expect((await refusal(database().query('truncate jobtable.job'))).code).toBe('0A000')
})
