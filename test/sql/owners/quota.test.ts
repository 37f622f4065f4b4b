import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buffersOf } from '../../support/buffers.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, untilBlocked } from '../../support/session.ts'

const database = useDatabase()

beforeAll(async () => await addTypes(database(), 'work'))
afterEach(async () => {
  await database().query('delete from jobtable.owner_quota')
  await database().query('delete from jobtable_internal.turn')
  await database().query('delete from jobtable_internal.counted')
  await database().query('delete from jobtable.job')
})

const insert = (owner: string, count: number): string =>
  `insert into jobtable.job (type, owner) select 'work', '${owner}' from generate_series(1, ${count})`

async function setQuota(owner: string, unfinished: number | null, perMinute: number | null) {
  await database().query(
    `insert into jobtable.owner_quota values ($1, $2, $3)
     on conflict (owner) do update
     set max_unfinished = excluded.max_unfinished,
       max_inserts_per_minute = excluded.max_inserts_per_minute`,
    [owner, unfinished, perMinute],
  )
}

async function finish(owner: string, count: number): Promise<void> {
  await database().query(
    `with unlocked as materialized (select set_config('jobtable.writer', 'queue', true))
     update jobtable.job j set status = 'completed', finished_at = now(), holds_key = false
     from unlocked
     where j.id in (select id from jobtable.job where owner = $1 and status = 'new'
       order by id limit $2)`,
    [owner, count],
  )
}

async function countOf(owner: string): Promise<number> {
  const [row] = await database().query<{ count: number }>(
    'select count(*)::integer as count from jobtable.job where owner = $1',
    [owner],
  )
  return row?.count ?? 0
}

describe('unfinished jobs', () => {
  test('are inserted up to the quota, and the refusal tells what it would take', async () => {
    await setQuota('anna', 5, null)
    await database().query(insert('anna', 3))
    await database().query(insert('anna', 2))
    expect(await refusal(database().query(insert('anna', 2)))).toEqual({
      code: 'JT022',
      message: 'owner "anna" has 5 unfinished jobs and may have 5',
      detail: 'This statement would make it 7.',
      hint: 'Wait for the end of 2 of them, delete as many, or insert fewer.',
    })
    expect(await countOf('anna')).toBe(5)
    expect(await refusal(database().query(insert('anna', 6)))).toEqual({
      code: 'JT022',
      message: 'owner "anna" may have 5 unfinished jobs, and this statement has 6',
      detail: undefined,
      hint: 'Insert at most 5 jobs at once.',
    })
  })

  test('are none where the quota is 0, which the refusal names', async () => {
    await setQuota('nil', 0, null)
    expect(await refusal(database().query(insert('nil', 1)))).toMatchObject({
      code: 'JT022',
      hint: 'The quota is in jobtable.owner_quota.',
    })
    await setQuota('nil', null, 0)
    expect(await refusal(database().query(insert('nil', 1)))).toMatchObject({
      code: 'JT023',
      hint: 'The quota is in jobtable.owner_quota.',
    })
  })

  test('free the quota when they finish or are deleted', async () => {
    await setQuota('anna', 3, null)
    await database().query(insert('anna', 3))
    await finish('anna', 2)
    await database().query(insert('anna', 2))
    await database().query(
      `delete from jobtable.job where id = (select max(id) from jobtable.job where owner = 'anna')`,
    )
    await database().query(insert('anna', 1))
    expect((await refusal(database().query(insert('anna', 1)))).code).toBe('JT022')
  })

  test('count when they run again', async () => {
    await setQuota('anna', 2, null)
    await database().query(insert('anna', 2))
    await finish('anna', 2)
    await database().query(insert('anna', 1))
    const again = `update jobtable.job set status = 'new' where owner = 'anna' and status = 'completed'`
    expect((await refusal(database().query(again))).code).toBe('JT022')
    const [row] = await database().query<{ id: string }>(
      `select id from jobtable.job where status = 'completed' limit 1`,
    )
    await database().query('select jobtable.resubmit($1)', [row?.id])
    expect((await refusal(database().query(insert('anna', 1)))).code).toBe('JT022')
  })

  test('are counted as they are when the quota comes later, goes, and comes again', async () => {
    await database().query(insert('anna', 3))
    await setQuota('anna', 4, null)
    await database().query(insert('anna', 1))
    expect((await refusal(database().query(insert('anna', 1)))).code).toBe('JT022')
    await database().query('delete from jobtable.owner_quota')
    await database().query(insert('anna', 5))
    await setQuota('anna', 10, null)
    expect((await refusal(database().query(insert('anna', 2)))).code).toBe('JT022')
    await database().query(insert('anna', 1))
  })

  test('of one owner leave the others alone; * stands for who has no row', async () => {
    await setQuota('anna', 1, null)
    await setQuota('*', 2, null)
    await database().query(insert('anna', 1))
    await database().query(insert('bert', 2))
    expect((await refusal(database().query(insert('anna', 1)))).code).toBe('JT022')
    expect((await refusal(database().query(insert('bert', 1)))).code).toBe('JT022')
    await setQuota('bert', null, null)
    await database().query(insert('bert', 50))
    const both = `insert into jobtable.job (type, owner) values ('work', 'carl'), ('work', 'anna')`
    expect((await refusal(database().query(both))).message).toContain('"anna"')
    expect(await countOf('carl')).toBe(0)
  })

  test('change while other owners insert, and give up on one that keeps its transaction open', async () => {
    await setQuota('anna', 10, null)
    await setQuota('bert', 10, null)
    await setQuota('*', 10, null)
    for (const owner of ['anna', 'bert', 'carl']) await database().query(insert(owner, 1))
    await using session = await openSession(database())
    await session.query('begin')
    await session.query(insert('anna', 1))
    for (const owner of ['bert', 'dora', '*']) await setQuota(owner, 9, null)
    expect((await refusal(setQuota('anna', 9, null))).code).toBe('55P03')
    await database().query(insert('bert', 1))
    await session.query('commit')
    await setQuota('anna', 1, null)
    await setQuota('*', 1, null)
    for (const owner of ['anna', 'carl']) {
      expect((await refusal(database().query(insert(owner, 1)))).code).toBe('JT022')
    }
  })

  test('do not count where the INSERT is rolled back, or did nothing', async () => {
    await setQuota('anna', 1, null)
    await using session = await openSession(database())
    await session.query('begin')
    await session.query(insert('anna', 1))
    await session.query('savepoint s')
    await refusal(session.query(insert('anna', 1)))
    await session.query('rollback')
    await insertJob(database(), 'work', { owner: 'anna', key: 'k' })
    await database().query(
      `insert into jobtable.job (type, owner, key) values ('work', 'anna', 'k') on conflict do nothing`,
    )
    expect(await countOf('anna')).toBe(1)
  })
})

describe('what a refusal reads', () => {
  /** Rows of job that a statement reads, by index or not; those that it inserts are not read. */
  async function readsOf(statement: string): Promise<number> {
    await using session = await openSession(database())
    const reads = async (): Promise<number> => {
      const [row] = await session.query<{ rows: string }>(
        `select seq_tup_read + idx_tup_fetch as rows
         from pg_stat_xact_user_tables where relid = 'jobtable.job'::regclass`,
      )
      return Number(row?.rows)
    }
    await session.query('begin; savepoint s')
    const before = await reads()
    expect((await refusal(session.query(statement))).code).toBe('JT022')
    await session.query('rollback to s')
    return (await reads()) - before
  }

  test('is what the quota allows, however many have finished since its oldest', async () => {
    await setQuota('anna', 3000, null)
    await insertJob(database(), 'work', { owner: 'anna', paused: true })
    await database().query(insert('anna', 2000))
    await finish('anna', 2001)
    await database().query(`update jobtable.job set status = 'new' where id =
      (select min(id) from jobtable.job where owner = 'anna')`)
    await setQuota('anna', 5, null)
    await database().query(insert('anna', 4))
    expect(await readsOf(insert('anna', 1))).toBeLessThan(50)
  })

  test('is nothing for more jobs at once than the quota allows', async () => {
    await setQuota('anna', 5, null)
    await database().query(insert('anna', 5))
    expect(await readsOf(insert('anna', 1000))).toBe(0)
  })

  test('does not grow with what an old snapshot keeps of earlier counts', async () => {
    await setQuota('anna', 200, null)
    await using old = await openSession(database())
    await old.query('begin isolation level repeatable read; select from jobtable_internal.counted')
    await using session = await openSession(database())
    const costs: number[] = []
    for (let round = 0; round < 40; round += 1) {
      await database().query(insert('anna', 200))
      await finish('anna', 200)
      await session.query('begin')
      costs.push(
        await buffersOf(session, `select jobtable_internal.use_quota('anna', '{1000000}')`),
      )
      await session.query('rollback')
    }
    // Each round would add two buffers.
    expect((costs[39] ?? 0) - (costs[9] ?? 0)).toBeLessThan(25)
  })

  test.each(['anna', '*'])(
    'is as little where a quota of %s limited only minutes before',
    async (owner) => {
      await setQuota(owner, null, 1_000_000)
      await database().query(insert('anna', 1000))
      await finish('anna', 1000)
      await setQuota(owner, 5, null)
      expect(await readsOf(insert('anna', 6))).toBeLessThan(50)
      await database().query(insert('anna', 5))
      expect((await refusal(database().query(insert('anna', 1)))).code).toBe('JT022')
    },
  )
})

test.each(['repeatable read', 'serializable'])(
  'no quota is introduced by a transaction at %s, whose snapshot may lack jobs',
  async (level) => {
    await using session = await openSession(database())
    await session.query(`begin isolation level ${level}; select`)
    expect(
      await refusal(session.query(`insert into jobtable.owner_quota values ('anna', 1)`)),
    ).toEqual({
      code: '25001',
      message: `quotas cannot be changed at isolation level ${level}`,
      detail: 'Jobs that were inserted since the transaction began would never be counted.',
      hint: 'Begin with: begin transaction isolation level read committed',
    })
  },
)

test('an owner whose own quota goes is counted by that of all, with what it has', async () => {
  await setQuota('*', 5, null)
  await setQuota('anna', null, null)
  await database().query(insert('anna', 4))
  await database().query(`delete from jobtable.owner_quota where owner = 'anna'`)
  expect((await refusal(database().query(insert('anna', 2)))).code).toBe('JT022')
  await database().query(insert('anna', 1))
})

describe('two transactions of one owner', () => {
  test('follow each other: the second one counts what the first has committed', async () => {
    await setQuota('anna', 3, null)
    await using first = await openSession(database())
    await using second = await openSession(database())
    await first.query('begin')
    await first.query(insert('anna', 2))
    const late = refusal(second.query(insert('anna', 2)))
    await untilBlocked(database(), second)
    // Nobody else waits: neither other owners, nor those that look.
    await database().query(insert('bert', 10))
    await first.query('commit')
    expect((await late).code).toBe('JT022')
    expect(await countOf('anna')).toBe(2)
  })

  test.each(['repeatable read', 'serializable'])('get 40001 under %s', async (level) => {
    await setQuota('anna', 3, null)
    await database().query(insert('anna', 1))
    await using first = await openSession(database())
    await using second = await openSession(database())
    await second.query(`begin isolation level ${level}`)
    await second.query('select count(*) from jobtable.job')
    await first.query(insert('anna', 2))
    expect((await refusal(second.query(insert('anna', 1)))).code).toBe('40001')
    await second.query('rollback')
    expect(await countOf('anna')).toBe(3)
  })

  test('do not pass a quota that is lowered while they wait', async () => {
    await setQuota('anna', 100, null)
    await database().query(insert('anna', 1))
    await using operator = await openSession(database())
    await using client = await openSession(database())
    await operator.query('begin')
    await operator.query(`update jobtable.owner_quota set max_unfinished = 2 where owner = 'anna'`)
    const late = refusal(client.query(insert('anna', 2)))
    await untilBlocked(database(), client)
    await operator.query('commit')
    expect((await late).message).toContain('may have 2')
    await using old = await openSession(database())
    await old.query('begin isolation level repeatable read; select from jobtable.owner_quota')
    await setQuota('anna', 1, null)
    expect((await refusal(old.query(insert('anna', 1)))).code).toBe('40001')
  })

  test('meet a change of both quotas without a deadlock, though one has had no turn yet', async () => {
    await database().query(insert('anna', 1))
    for (const owner of ['anna', 'bert']) await setQuota(owner, null, 100)
    await database().query(insert('bert', 1))
    await using operator = await openSession(database())
    await using client = await openSession(database())
    await client.query('begin')
    await client.query(insert('anna', 1))
    const change = operator.query('update jobtable.owner_quota set max_unfinished = 5')
    await untilBlocked(database(), operator)
    await client.query(insert('bert', 1))
    await client.query('commit')
    await change
    for (const owner of ['anna', 'bert']) {
      expect((await refusal(database().query(insert(owner, 4)))).message).toContain('has 2 unfin')
    }
  })

  test('16 at once, of 20 jobs each: never one more than the quota', async () => {
    await setQuota('anna', 50, null)
    const sessions = await Promise.all(Array.from({ length: 16 }, () => openSession(database())))
    const done = await Promise.all(
      sessions.map(async (session) => {
        let inserted = 0
        for (let i = 0; i < 20; i += 1) {
          await session.query(insert('anna', 1)).then(
            () => (inserted += 1),
            (error: unknown) => expect(error).toMatchObject({ code: 'JT022' }),
          )
        }
        return inserted
      }),
    )
    await Promise.all(sessions.map(async (session) => await session[Symbol.asyncDispose]()))
    expect(done.reduce((sum, n) => sum + n, 0)).toBe(50)
    expect(await countOf('anna')).toBe(50)
  })
})

describe('jobs within a minute', () => {
  test('are inserted up to the quota, and the refusal tells when it frees', async () => {
    await setQuota('anna', null, 3)
    await database().query(insert('anna', 2))
    const { code, message, detail, hint } = await refusal(database().query(insert('anna', 2)))
    expect({ code, message, detail }).toEqual({
      code: 'JT023',
      message: 'owner "anna" has inserted 2 jobs within a minute and may insert 3',
      detail: 'This statement would make it 4.',
    })
    const wait = Date.parse(hint?.slice('Try again at '.length, -1) ?? '') - Date.now()
    expect(wait).toBeGreaterThan(30_000)
    expect(wait).toBeLessThanOrEqual(62_000)
    expect((await refusal(database().query(insert('anna', 4)))).hint).toBe(
      'Insert at most 3 jobs at once.',
    )
  })

  test('free the quota when the minute is over, and not by being deleted or by a set clock', async () => {
    await setQuota('anna', null, 3)
    await database().query(insert('anna', 3))
    await database().query('delete from jobtable.job')
    await using session = await openSession(database())
    await session.query(`set jobtable.now = '2100-01-01'`)
    expect((await refusal(session.query(insert('anna', 1)))).code).toBe('JT023')
    await database().query('update jobtable_internal.turn set seconds[1] = seconds[1] - 61')
    await database().query(insert('anna', 3))
  })

  test('count when they run again', async () => {
    await setQuota('anna', null, 3)
    await database().query(insert('anna', 2))
    await finish('anna', 2)
    const again = `update jobtable.job set status = 'new' where owner = 'anna' and status = 'completed'`
    expect((await refusal(database().query(again))).code).toBe('JT023')
  })
})

test('a quota after the first one locks neither INSERTs nor workers out', async () => {
  await setQuota('nobody', null, null)
  await using session = await openSession(database())
  await session.query(`begin; insert into jobtable.owner_quota values ('*', 5, null)`)
  expect(
    await session.query(
      `select distinct mode from pg_locks
       where pid = pg_backend_pid() and relation = 'jobtable.job'::regclass order by 1`,
    ),
  ).toEqual([{ mode: 'AccessShareLock' }])
})

test('without quotas no trigger of theirs is enabled, and with the first one they are', async () => {
  const enabled = async (): Promise<boolean[]> => {
    const rows = await database().query<{ on: boolean }>(
      `select tgenabled = 'O' as on from pg_trigger where tgname like 'job\\_quota\\_%'`,
    )
    return rows.map((row) => row.on)
  }
  expect(await enabled()).toEqual([false, false])
  await setQuota('anna', 1, null)
  expect(await enabled()).toEqual([true, true])
  await database().query('truncate jobtable.owner_quota')
  expect(await enabled()).toEqual([false, false])
})
