import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../support/database.ts'
import {
  addTypes,
  entriesOf,
  insertJob,
  readJob,
  STATUSES,
  type Status,
} from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'
import { bring, insertJobIn, startTicker } from '../../support/ticker.ts'

const database = useDatabase()

beforeAll(async () => {
  await addTypes(database(), 'keyed', 'other')
})

describe('a key', () => {
  test('is held by one unfinished job of an owner and type: another INSERT is 23505', async () => {
    await insertJob(database(), 'keyed', { key: 'once' })
    const { code, detail } = await refusal(insertJob(database(), 'keyed', { key: 'once' }))
    expect(code).toBe('23505')
    expect(detail).toMatch(/^Key \(owner, type, key\)=\(.*, keyed, once\) already exists\.$/)
  })

  test('is free for another owner, another type and without a key', async () => {
    const rows = await database().query(
      `insert into jobtable.job (owner, type, key) values
         (null, 'keyed', 'mine'), ('somebody else', 'keyed', 'mine'), (null, 'other', 'mine'),
         (null, 'keyed', null), (null, 'keyed', null)
       returning id`,
    )
    expect(rows).toHaveLength(5)
  })

  const held: readonly Status[] = ['new', 'queued', 'started']

  test.each(STATUSES)('of a job that is %s is held only while it is unfinished', async (status) => {
    const type = `held_${status}`
    const ticker = await startTicker(database(), type)
    const id = await insertJobIn(database(), ticker, status, type, { key: 'k' })
    expect(await readJob(database(), id)).toMatchObject({
      key: 'k',
      holds_key: held.includes(status),
    })
    const again = await database().query(
      `insert into jobtable.job (type, key) values ($1, 'k') on conflict do nothing returning id`,
      [type],
    )
    expect(again).toHaveLength(held.includes(status) ? 0 : 1)
  })

  test('is free again after the job was deleted', async () => {
    const id = await insertJob(database(), 'keyed', { key: 'deleted' })
    await database().query('delete from jobtable.job where id = $1', [id])
    expect(await insertJob(database(), 'keyed', { key: 'deleted' })).not.toBe(id)
  })
})

describe('ON CONFLICT', () => {
  interface Row {
    readonly id: string
    readonly key: string
  }

  const targets = ['', '(owner, type, key) where holds_key']

  test.each(targets)(
    '%s DO NOTHING inserts what is new and leaves out the rest',
    async (target) => {
      const type = target === '' ? 'bare' : 'targeted'
      await addTypes(database(), type)
      const insert = `insert into jobtable.job (type, key)
      select '${type}', k from unnest($1::text[]) k on conflict ${target} do nothing returning id, key`
      const first = await database().query<Row>(insert, [['a', 'b']])
      const second = await database().query<Row>(insert, [['b', 'c', 'c']])
      const third = await database().query<Row>(insert, [['a', 'b', 'c']])
      expect([first, second, third].map((rows) => rows.map((row) => row.key))).toEqual([
        ['a', 'b'],
        ['c'],
        [],
      ])
      const ticker = await startTicker(database(), type)
      const claimed = (await ticker.claim()).map((job) => job.id)
      expect(claimed).toEqual([...first, ...second].map((row) => row.id))
    },
  )

  test('DO UPDATE steers the job that holds the key', async () => {
    await addTypes(database(), 'upserted')
    const upsert = `insert into jobtable.job (type, key, payload) values ('upserted', 'k', $1)
      on conflict (owner, type, key) where holds_key do update
      set payload = excluded.payload, run_at = now() + interval '1 hour'
      returning id, payload`
    const [first] = await database().query(upsert, [{ n: 1 }])
    const [second] = await database().query(upsert, [{ n: 2 }])
    expect(second).toEqual({ id: first?.['id'], payload: { n: 2 } })
    const ticker = await startTicker(database(), 'upserted')
    expect(await ticker.claim()).toEqual([])
    const entries = await entriesOf(database(), String(first?.['id']))
    expect(entries.due).toHaveLength(1)
  })

  test('DO UPDATE is refused like any UPDATE where the job can no longer be steered', async () => {
    const ticker = await startTicker(database(), 'too_late')
    await insertJobIn(database(), ticker, 'started', 'too_late', { key: 'k' })
    const { code } = await refusal(
      database().query(
        `insert into jobtable.job (type, key, payload) values ('too_late', 'k', '{"n": 2}')
         on conflict (owner, type, key) where holds_key do update set payload = excluded.payload`,
      ),
    )
    expect(code).toBe('JT010')
  })

  test('DO NOTHING waits for a transaction that holds the key, and inserts if it is undone', async () => {
    const insert = `insert into jobtable.job (type, key) values ('keyed', $1)
      on conflict do nothing returning id`
    for (const end of ['commit', 'rollback']) {
      await using first = await openSession(database())
      await using second = await openSession(database())
      await first.query('begin')
      await insertJob(first, 'keyed', { key: `raced ${end}` })
      const waiting = second.query(insert, [`raced ${end}`])
      await untilBlocked(database(), second)
      await first.query(end)
      expect(await waiting).toHaveLength(end === 'commit' ? 0 : 1)
    }
  })

  test('DO NOTHING beside a job that finishes inserts one more only after it has finished', async () => {
    const ticker = await startTicker(database(), 'ending')
    const id = await insertJob(database(), 'ending', { key: 'k' })
    await bring(database(), ticker, 'completed', id)
    const rows = await database().query(
      `insert into jobtable.job (type, key) values ('ending', 'k') on conflict do nothing
       returning id`,
    )
    expect(rows).toHaveLength(1)
  })
})
