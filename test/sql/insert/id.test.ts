import { beforeAll, describe, expect, test } from 'vitest'
import { copyIn } from '../../support/copy.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes, insertJob, insertJobs } from '../../support/job.ts'
import { refusal } from '../../support/refusal.ts'
import { openSession, type Session, untilBlocked } from '../../support/session.ts'

const database = useDatabase()

beforeAll(async () => {
  await addTypes(database(), 'numbered')
})

const FOREIGN_ID = 4_000_000_000_000

describe('an id that a client sets is refused by JT004', () => {
  const refused = {
    code: 'JT004',
    message: `a client cannot set the id of a job (id = ${FOREIGN_ID})`,
    detail: 'The database numbers jobs; a number is never given out twice.',
    hint: 'Leave out the column id and read it with RETURNING id.',
  }

  test('in a session that has inserted nothing yet', async () => {
    await using session = await openSession(database())
    expect(await refusal(insertJob(session, 'numbered', { id: FOREIGN_ID }))).toEqual(refused)
  })

  test('in a session that has inserted before', async () => {
    await using session = await openSession(database())
    const id = await insertJob(session, 'numbered')
    expect(await refusal(insertJob(session, 'numbered', { id: FOREIGN_ID }))).toEqual(refused)
    const next = BigInt(id) + 1n
    const { code } = await refusal(insertJob(session, 'numbered', { id: next }))
    expect(code).toBe('JT004')
  })

  test('with OVERRIDING SYSTEM VALUE', async () => {
    const insert = `insert into jobtable.job (id, type) overriding system value
      values (${FOREIGN_ID}, 'numbered')`
    expect(await refusal(database().query(insert))).toEqual(refused)
  })

  test('in a COPY', async () => {
    await using session = await openSession(database())
    const copied = copyIn(session, 'jobtable.job (id, type)', [`${FOREIGN_ID}\tnumbered`])
    expect(await refusal(copied)).toEqual(refused)
  })

  test('in one row among many', async () => {
    const insert = `insert into jobtable.job (id, type)
      values (default, 'numbered'), (${FOREIGN_ID}, 'numbered'), (default, 'numbered')`
    expect(await refusal(database().query(insert))).toEqual(refused)
  })

  test('if it is the id of a job that is gone', async () => {
    await using session = await openSession(database())
    const old = await insertJob(session, 'numbered')
    await insertJob(session, 'numbered')
    await session.query('delete from jobtable.job where id = $1', [old])
    const { code } = await refusal(insertJob(session, 'numbered', { id: old }))
    expect(code).toBe('JT004')
  })

  test('if it is the last one that was drawn, and its job is gone', async () => {
    await using session = await openSession(database())
    await using other = await openSession(database())
    for (const between of [0, 1]) {
      const old = await insertJob(session, 'numbered')
      await insertJobs(other, 'numbered', between)
      await session.query('delete from jobtable.job where id = $1', [old])
      for (const client of [session, other]) {
        const { code } = await refusal(insertJob(client, 'numbered', { id: old }))
        expect(code).toBe('JT004')
      }
    }
  })

  test('if it is the last one that was drawn, and another session has deleted its job', async () => {
    await using session = await openSession(database())
    const old = await insertJob(session, 'numbered')
    await database().query('delete from jobtable.job where id = $1', [old])
    await using other = await openSession(database())
    const { code } = await refusal(insertJob(other, 'numbered', { id: old }))
    expect(code).toBe('JT004')
  })

  test('if the statement itself deletes the job', async () => {
    await using session = await openSession(database())
    const id = await insertJob(session, 'numbered')
    const { code } = await refusal(
      session.query(
        `with gone as (delete from jobtable.job where id = $1 returning *)
         insert into jobtable.job (id, type) select id, type from gone`,
        [id],
      ),
    )
    expect(code).toBe('JT004')
    expect(await session.query('select id from jobtable.job where id = $1', [id])).toHaveLength(1)
  })

  test('if it is the id of a job that exists', async () => {
    const old = await insertJob(database(), 'numbered')
    await using session = await openSession(database())
    await insertJob(session, 'numbered')
    const { code } = await refusal(insertJob(session, 'numbered', { id: old }))
    expect(code).toBe('JT004')
  })
})

describe('ids that other sessions draw meanwhile make no INSERT fail', () => {
  /** A session stands still between drawing an id and the trigger: its row waits for a lock. */
  const held = `insert into jobtable.job (type, title)
    select 'numbered', pg_advisory_xact_lock(77)::text from generate_series(1, 3)`

  async function overtaken(statement: string, between: (other: Session) => Promise<unknown>) {
    await using gatekeeper = await openSession(database())
    await using slow = await openSession(database())
    await gatekeeper.query('begin')
    await gatekeeper.query('select pg_advisory_xact_lock(77)')
    const waiting = slow.query(statement)
    await untilBlocked(database(), slow)
    await between(gatekeeper)
    await gatekeeper.query('commit')
    return await waiting
  }

  test('within a statement', async () => {
    const rows = await overtaken(
      `${held} returning id`,
      async (other) => await insertJobs(other, 'numbered', 5),
    )
    expect(rows).toHaveLength(3)
  })

  test('between the drawing of an id and the check of its row', async () => {
    // The id is drawn as its column's default before the title is computed, which waits.
    const statement = `insert into jobtable.job (id, type, title)
      values (default, 'numbered', pg_advisory_xact_lock(77)::text) returning id`
    const rows = await overtaken(statement, async (other) => await insertJobs(other, 'numbered', 5))
    expect(rows).toHaveLength(1)
  })

  test('in thousands of rows of four sessions at once', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 4 }, async () => await openSession(database())),
    )
    try {
      const ids = await Promise.all(
        sessions.map(async (session) => {
          const own: string[] = []
          for (let n = 0; n < 5; n += 1) own.push(...(await insertJobs(session, 'numbered', 400)))
          return own
        }),
      )
      expect(new Set(ids.flat()).size).toBe(4 * 5 * 400)
    } finally {
      await Promise.all(sessions.map(async (session) => await session[Symbol.asyncDispose]()))
    }
  })
})

test('OVERRIDING USER VALUE ignores an id that a client sets', async () => {
  const rows = await database().query(
    `insert into jobtable.job (id, type) overriding user value
     values (${FOREIGN_ID}, 'numbered') returning id = ${FOREIGN_ID} as is_foreign`,
  )
  expect(rows).toEqual([{ is_foreign: false }])
})

test('an id is not used again after a rollback', async () => {
  await using session = await openSession(database())
  await session.query('begin')
  const lost = await insertJob(session, 'numbered')
  await session.query('rollback')
  expect(BigInt(await insertJob(session, 'numbered'))).toBeGreaterThan(BigInt(lost))
})
