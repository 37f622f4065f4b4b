import { beforeAll, describe, expect, test } from 'vitest'
import { copyIn } from '../../support/copy.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, entriesOf, insertJob, readJob } from '../../support/job.ts'
import { openSession } from '../../support/session.ts'
import { startTicker } from '../../support/ticker.ts'

const database = useDatabase()

/** The ids that a worker is handed for a type: what became of an INSERT in the end. */
async function claimable(type: string): Promise<string[]> {
  const ticker = await startTicker(database(), type)
  return (await ticker.claim()).map((job) => job.id)
}

beforeAll(async () => {
  await addTypes(database(), 'business', 'plain')
})

describe('jobs are claimable, each exactly once, after', () => {
  test('an INSERT of one row, RETURNING what the database filled in', async () => {
    const [row] = await database().query(
      `insert into jobtable.job (type, payload) values ('plain', '{"a": 1}')
       returning *, owner = current_user as is_mine, created_at = now() as is_created_now,
         run_at = now() as is_due_now`,
    )
    expect(row).toMatchObject({
      type: 'plain',
      status: 'new',
      payload: { a: 1 },
      properties: {},
      attempt: 0,
      paused: false,
      cancel_requested: false,
      holds_key: false,
      priority: null,
      max_attempts: null,
      worker: null,
      lease: null,
      queued_at: null,
      is_mine: true,
      is_created_now: true,
      is_due_now: true,
    })
    expect(await claimable('plain')).toEqual([row?.['id']])
  })

  test('an INSERT of the type alone', async () => {
    await addTypes(database(), 'type_alone')
    const [row] = await database().query(
      `insert into jobtable.job (type) values ('type_alone') returning id, payload`,
    )
    expect(row?.['payload']).toEqual({})
    expect(await claimable('type_alone')).toEqual([row?.['id']])
  })

  test('a multi-row INSERT over several types and priorities', async () => {
    await addTypes(database(), 'multi_a', 'multi_b')
    const rows = await database().query<{ id: string; type: string; priority: number | null }>(
      `insert into jobtable.job (type, priority)
       values ('multi_a', 5), ('multi_b', default), ('multi_a', 0), ('multi_a', 5)
       returning id, type, priority`,
    )
    const of = (type: string, priority: number | null): string[] =>
      rows.filter((row) => row.type === type && row.priority === priority).map((row) => row.id)
    expect(await claimable('multi_a')).toEqual([...of('multi_a', 0), ...of('multi_a', 5)])
    expect(await claimable('multi_b')).toEqual(of('multi_b', null))
  })

  test('an INSERT … SELECT, in the order of the SELECT', async () => {
    await addTypes(database(), 'select')
    const rows = await database().query<{ id: string }>(
      `insert into jobtable.job (type, payload)
       select 'select', jsonb_build_object('n', n) from generate_series(1, 1000) n order by n desc
       returning id`,
    )
    const ids = rows.map((row) => row.id)
    expect(ids).toEqual(ids.toSorted((a, b) => Number(a) - Number(b)))
    expect(await claimable('select')).toEqual(ids)
  })

  test('an INSERT … SELECT from the job table itself', async () => {
    await addTypes(database(), 'copied')
    await database().query(`insert into jobtable.job (type, title) values ('copied', 'first')`)
    await database().query(
      `insert into jobtable.job (type, title) select type, 'second' from jobtable.job
       where type = 'copied'`,
    )
    expect(await claimable('copied')).toHaveLength(2)
  })

  test('an INSERT in a WITH beside another one', async () => {
    await addTypes(database(), 'with_a', 'with_b')
    await database().query(
      `with a as (insert into jobtable.job (type) values ('with_a') returning id)
       insert into jobtable.job (type, payload)
       select 'with_b', jsonb_build_object('after', a.id) from a`,
    )
    expect(await claimable('with_a')).toHaveLength(1)
    expect(await claimable('with_b')).toHaveLength(1)
  })

  test('a MERGE that inserts what is missing and steers what is there', async () => {
    await addTypes(database(), 'merged')
    const there = await insertJob(database(), 'merged', { key: 'a' })
    await database().query(
      `merge into jobtable.job j
       using (values ('a'), ('b')) as s (key) on j.type = 'merged' and j.key = s.key and j.holds_key
       when matched then update set title = 'again'
       when not matched then insert (type, key) values ('merged', s.key)`,
    )
    expect(await readJob(database(), there)).toMatchObject({ title: 'again' })
    expect(await claimable('merged')).toHaveLength(2)
  })

  test('a COPY, also with tabs, line breaks and quotes in the payload', async () => {
    await addTypes(database(), 'copy')
    await using session = await openSession(database())
    const lines = Array.from({ length: 700 }, (_, n) => `copy\t{"n": ${n}}`)
    const strange = 'copy\t{"text": "a\\\\tb\\\\n\\\\"c\\\\" \\\\\\\\ ü 🐘"}'
    expect(await copyIn(session, 'jobtable.job (type, payload)', [...lines, strange])).toBe(701)
    const ticker = await startTicker(database(), 'copy')
    const payloads = (await ticker.claim()).map((job) => job.payload)
    expect(payloads).toEqual([
      ...Array.from({ length: 700 }, (_, n) => ({ n })),
      { text: 'a\tb\n"c" \\ ü 🐘' },
    ])
  })

  test('an INSERT by a trigger of a business table, in the transaction of the business', async () => {
    await database().query(`
      create table purchase (id bigint primary key);
      create function purchased() returns trigger language plpgsql as $$
      begin
        insert into jobtable.job (type, payload)
        values ('business', jsonb_build_object('purchase', new.id));
        return null;
      end $$;
      create trigger purchased after insert on purchase
      for each row execute function purchased()`)
    await database().query('insert into purchase values (1), (2)')
    await database().query('begin; insert into purchase values (3); rollback')
    const ticker = await startTicker(database(), 'business')
    const payloads = (await ticker.claim()).map((job) => job.payload)
    expect(payloads).toEqual([{ purchase: 1 }, { purchase: 2 }])
  })

  test('an INSERT under a two-phase commit, with notifications off', async ({ skip }) => {
    const [setting] = await database().query('show max_prepared_transactions')
    skip(setting?.['max_prepared_transactions'] === '0', 'the server has no prepared transactions')
    await addTypes(database(), 'two_phase')
    await using session = await openSession(database())
    await session.query('begin')
    await session.query('set local jobtable.notify = off')
    const id = await insertJob(session, 'two_phase')
    const name = `${database().name}_two_phase`
    await session.query(`prepare transaction '${name}'`)
    expect(await claimable('two_phase')).toEqual([])
    await session.query(`commit prepared '${name}'`)
    expect(await claimable('two_phase')).toEqual([id])
  })

  test.each(['repeatable read', 'serializable'])(
    'two transactions at a time under %s, neither in the other’s way',
    async (level) => {
      const type = `under ${level}`
      await addTypes(database(), type)
      await using first = await openSession(database())
      await using second = await openSession(database())
      await first.query(`begin isolation level ${level}`)
      await second.query(`begin isolation level ${level}`)
      const ids = [await insertJob(first, type), await insertJob(second, type)]
      await first.query('commit')
      await second.query('commit')
      expect(await claimable(type)).toEqual(ids)
    },
  )

  test('an INSERT with the schema on the search path', async () => {
    await addTypes(database(), 'on_path')
    await using session = await openSession(database())
    await session.query('set search_path = jobtable, public')
    await session.query(`insert into job (type, payload) values ('on_path', '{}')`)
    expect(await claimable('on_path')).toHaveLength(1)
  })
})

describe('nothing is left behind by', () => {
  const entries = `select (select count(*) from jobtable_internal.ready) +
    (select count(*) from jobtable_internal.due) as count`

  test('an INSERT of no rows', async () => {
    const before = await database().query(entries)
    await database().query(`insert into jobtable.job (type) select 'plain' where false`)
    expect(await database().query(entries)).toEqual(before)
  })

  test('a rolled-back transaction', async () => {
    await addTypes(database(), 'rolled_back')
    await using session = await openSession(database())
    await session.query('begin')
    const id = await insertJob(session, 'rolled_back')
    expect(await entriesOf(session, id)).toEqual({ ready: [0], due: [] })
    await session.query('rollback')
    expect(await entriesOf(database(), id)).toEqual({ ready: [], due: [] })
    expect(await claimable('rolled_back')).toEqual([])
  })

  test('a rolled-back savepoint, while the rest of the transaction runs', async () => {
    await addTypes(database(), 'savepoint')
    await using session = await openSession(database())
    await session.query('begin')
    const first = await insertJob(session, 'savepoint')
    await session.query('savepoint s')
    await insertJob(session, 'savepoint')
    await session.query('rollback to savepoint s')
    const last = await insertJob(session, 'savepoint')
    await session.query('commit')
    expect(await claimable('savepoint')).toEqual([first, last])
  })

  test('a COPY that breaks off in its last line', async () => {
    await addTypes(database(), 'broken_copy')
    await using session = await openSession(database())
    const lines = ['broken_copy\t{}', 'broken_copy\tnot json']
    await expect(copyIn(session, 'jobtable.job (type, payload)', lines)).rejects.toThrow(
      'invalid input syntax for type json',
    )
    expect(await claimable('broken_copy')).toEqual([])
  })
})

test('a job that is not committed is not claimed, and is as soon as it is', async () => {
  await addTypes(database(), 'uncommitted')
  await using session = await openSession(database())
  await session.query('begin')
  const id = await insertJob(session, 'uncommitted')
  expect(await claimable('uncommitted')).toEqual([])
  await session.query('commit')
  expect(await claimable('uncommitted')).toEqual([id])
})

test('one statement wakes the workers once, however many rows it inserts', async () => {
  await startTicker(database(), 'notified')
  await using listener = await openSession(database())
  await listener.query('listen jobtable_ready')
  const heard: string[] = []
  listener.client.on('notification', ({ channel }) => heard.push(channel))
  await database().query(
    `insert into jobtable.job (type, run_at)
     select 'notified', now() + (n % 2) * interval '1 hour' from generate_series(1, 5000) n`,
  )
  await database().query(`insert into jobtable.job (type) select 'notified' where false`)
  await database().query(`insert into jobtable.job (type, paused) values ('notified', true)`)
  await listener.query('select')
  expect(heard).toEqual(['jobtable_ready'])
})

test('a wake-up tells the types that nobody looks at; if they are too many, it means all', async () => {
  await startTicker(database(), 'told_a', 'told_b')
  const ids = await database().query<{ id: number }>(
    `select id from jobtable.job_type where name in ('told_a', 'told_b') order by id`,
  )
  const [a, b] = ids.map((row) => row.id)
  await using listener = await openSession(database())
  await listener.query('listen jobtable_ready')
  const heard: (string | undefined)[] = []
  listener.client.on('notification', ({ payload }) => heard.push(payload))
  const wake = async (types: readonly (number | undefined)[]): Promise<void> => {
    await database().query('select jobtable_internal.wake($1)', [types])
  }
  await wake([a, b])
  await database().query('select jobtable_internal.watch($1, 60)', [[a]])
  await wake([a, b])
  await wake([a])
  await wake(Array.from({ length: 2_000 }, (_, n) => 100_000 + n))
  await listener.query('select')
  expect(heard).toEqual([`${a},${b}`, `${b}`, ''])
})

test('an entry of the ready list names at most 240 jobs', async () => {
  await addTypes(database(), 'chunked')
  await database().query(
    `insert into jobtable.job (type) select 'chunked' from generate_series(1, 500)`,
  )
  const sizes = await database().query<{ size: number }>(
    `select cardinality(ids) as size from jobtable_internal.ready r
     join jobtable.job_type t on r.lane >> 16 = t.id where t.name = 'chunked' order by seq`,
  )
  expect(Math.max(...sizes.map((row) => row.size))).toBe(240)
  expect(sizes.reduce((sum, row) => sum + row.size, 0)).toBe(500)
})
