import { beforeAll, describe, expect, test } from 'vitest'
import { copyIn } from '../../support/copy.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, entriesOf, insertJob, readJob } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'

const database = useDatabase()

/** Every column that a client may name, but the type. */
const COLUMNS = [
  'id',
  'status',
  'attempt',
  'queued_at',
  'started_at',
  'finished_at',
  'failed_at',
  'worker',
  'lease',
  'uncharged',
  'max_attempts',
  'priority',
  'created_at',
  'run_at',
  'paused',
  'cancel_requested',
  'memory_mb',
  'parent',
  'timeout',
  'cpus',
  'owner',
  'payload',
  'title',
  'key',
  'status_detail',
  'holds_key',
  'template',
  'properties',
] as const

beforeAll(async () => {
  await addTypes(database(), 'nulls')
})

/** A row without what differs from insert to insert, and its entries in the queue. */
async function essence(id: string): Promise<unknown> {
  const { id: _, created_at, run_at, ...row } = (await readJob(database(), id)) ?? {}
  const { ready, due } = await entriesOf(database(), id)
  return { ...row, isDueWhenCreated: String(created_at) === String(run_at), ready, due }
}

test('the list of columns is the table’s', async () => {
  const rows = await database().query(
    `select attname from pg_attribute
     where attrelid = 'jobtable.job'::regclass and attnum > 0 and attgenerated = ''
     order by attnum`,
  )
  const names = rows.map((row) => String(row['attname'])).toSorted()
  expect(names).toEqual([...COLUMNS, 'type'].toSorted())
})

describe('an explicit NULL means the default', () => {
  test.each(COLUMNS)('in %s', async (column) => {
    const omitted = await insertJob(database(), 'nulls')
    const given = await insertJob(database(), 'nulls', { [column]: null })
    expect(await essence(given)).toEqual(await essence(omitted))
    expect(BigInt(given)).toBeGreaterThan(BigInt(omitted))
  })

  test('in all columns at once, as a form of a GUI sends them', async () => {
    const omitted = await insertJob(database(), 'nulls')
    const nulls = Object.fromEntries(COLUMNS.map((column) => [column, null]))
    const given = await insertJob(database(), 'nulls', nulls)
    expect(await essence(given)).toEqual(await essence(omitted))
  })

  test('in a COPY of all columns', async () => {
    const omitted = await insertJob(database(), 'nulls')
    await using session = await openSession(database())
    const target = `jobtable.job (type, ${COLUMNS.join(', ')})`
    await copyIn(session, target, [['nulls', ...COLUMNS.map(() => '\\N')].join('\t')])
    const [row] = await database().query('select max(id) as id from jobtable.job')
    expect(await essence(String(row?.['id']))).toEqual(await essence(omitted))
  })

  test('under the owner of the session’s setting', async () => {
    await using session = await openSession(database())
    await session.query(`set jobtable.owner = 'ada'`)
    const omitted = await insertJob(session, 'nulls')
    const given = await insertJob(session, 'nulls', { owner: null })
    expect(await readJob(database(), omitted)).toMatchObject({ owner: 'ada' })
    expect(await readJob(database(), given)).toMatchObject({ owner: 'ada' })
  })
})

test.each(COLUMNS)('the word DEFAULT in %s is as if it were left out', async (column) => {
  const omitted = await insertJob(database(), 'nulls')
  const [row] = await database().query(
    `insert into jobtable.job (type, ${column}) values ('nulls', default) returning id`,
  )
  expect(await essence(String(row?.['id']))).toEqual(await essence(omitted))
})

test('values, nulls and DEFAULT may differ from row to row of one statement', async () => {
  const rows = await database().query(
    `insert into jobtable.job (type, owner, payload, priority) values
       ('nulls', 'ada', null, 3), ('nulls', null, '{"n": 2}', null), ('nulls', default, default, default)
     returning owner = current_user as is_mine, payload, priority`,
  )
  expect(rows).toEqual([
    { is_mine: false, payload: {}, priority: 3 },
    { is_mine: true, payload: { n: 2 }, priority: null },
    { is_mine: true, payload: {}, priority: null },
  ])
})
