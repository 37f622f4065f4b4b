import { describe, expect, test } from 'vitest'
import * as queries from '../../src/queries/registration.ts'
import { useDatabase } from '../support/database.ts'
import { addTypes, insertJob } from '../support/job.ts'
import { refusal } from '../support/refusal.ts'
import { openSession, untilBlocked } from '../support/session.ts'
import { insertJobIn, startTicker } from '../support/ticker.ts'

const database = useDatabase()

const TYPE = {
  description: 'Counts words.',
  priority: 3,
  retention: '1 day',
  failed_retention: null,
} satisfies Partial<queries.DeclaredType>

async function row(name: string): Promise<Record<string, unknown> | undefined> {
  const columns = 'id, xmin::text, description, priority, retention::text, failed_retention'
  const [found] = await database().query(
    `select ${columns} from jobtable.job_type where name = $1`,
    [name],
  )
  return found
}

describe('registering a type', () => {
  test('makes it known, under an id of its own', async () => {
    const id = await queries.registerType(database().pool, 'registered', TYPE)
    expect(await row('registered')).toMatchObject({
      id,
      description: 'Counts words.',
      priority: 3,
      retention: '1 day',
      failed_retention: null,
    })
  })

  test('again changes nothing: the row is not even written', async () => {
    const id = await queries.registerType(database().pool, 'registered', TYPE)
    const before = await row('registered')
    expect(await queries.registerType(database().pool, 'registered', TYPE)).toBe(id)
    expect(await row('registered')).toEqual(before)
  })

  test('with another definition brings the row up to date, under the same id', async () => {
    const id = await queries.registerType(database().pool, 'registered', TYPE)
    const changed = { ...TYPE, description: null, priority: -1, retention: null }
    expect(await queries.registerType(database().pool, 'registered', changed)).toBe(id)
    expect(await row('registered')).toMatchObject({
      description: null,
      priority: -1,
      retention: null,
    })
  })

  test('by two workers at a time gives one row', async () => {
    await using first = await openSession(database())
    await using second = await openSession(database())
    await first.query('begin')
    const id = await queries.registerType(first.client, 'both', TYPE)
    const late = queries.registerType(second.client, 'both', TYPE)
    await untilBlocked(database(), second)
    await first.query('commit')
    expect(await late).toBe(id)
  })

  test.each(['', '  ', 'x'.repeat(201)])(
    'refuses a name that is blank or too long',
    async (name) => {
      const { code, message } = await refusal(queries.registerType(database().pool, name, TYPE))
      expect(code).toBe('23514')
      expect(message).toContain('name_is_not_blank')
    },
  )

  test('refuses a retention below zero', async () => {
    const type = { ...TYPE, retention: '-1 day' }
    expect(
      (await refusal(queries.registerType(database().pool, 'backwards', type))).message,
    ).toContain('retention_is_not_negative')
  })
})

describe('the name and the id of a type', () => {
  test.each([`name = 'other'`, 'id = default'])('are fixed: JT009 for %s', async (change) => {
    await database().query(
      `insert into jobtable.job_type (name) values ('fixed') on conflict do nothing`,
    )
    const update = database().query(`update jobtable.job_type set ${change} where name = 'fixed'`)
    expect(await refusal(update)).toMatchObject({
      code: 'JT009',
      message: 'the name of job type "fixed" is fixed',
    })
  })
})

describe('deleting a type', () => {
  const remove = 'delete from jobtable.job_type where name = $1'

  test('that has no jobs succeeds', async () => {
    await addTypes(database(), 'unused')
    await database().query(remove, ['unused'])
    expect((await refusal(insertJob(database(), 'unused'))).code).toBe('JT001')
  })

  test('reads no job, however many there are of others', async () => {
    await addTypes(database(), 'unread', 'another')
    await insertJob(database(), 'another')
    await using session = await openSession(database())
    await session.query('begin')
    await session.query(remove, ['unread'])
    expect(
      await session.query(
        `select coalesce(seq_scan + idx_scan, 0)::int as reads
         from pg_stat_xact_user_tables where relid = 'jobtable.job'::regclass`,
      ),
    ).toEqual([{ reads: 0 }])
  })

  test.each(['new', 'completed'] as const)(
    'is refused by JT016 while a job of it is %s',
    async (status) => {
      const type = `used_${status}`
      const ticker = await startTicker(database(), type)
      const id = await insertJobIn(database(), ticker, status, type)
      expect(await refusal(database().query(remove, [type]))).toEqual({
        code: 'JT016',
        message: `job type "${type}" is in use: it has jobs (1)`,
        detail: undefined,
        hint: 'Delete its jobs first.',
      })
      await database().query('delete from jobtable.job where id = $1', [id])
      await database().query(remove, [type])
    },
  )

  test('never leaves a job without its type, whoever comes first', async () => {
    await addTypes(database(), 'raced')
    await using client = await openSession(database())
    await using operator = await openSession(database())
    await client.query('begin')
    await insertJob(client, 'raced')
    const late = refusal(operator.query(remove, ['raced']))
    await untilBlocked(database(), operator)
    await client.query('commit')
    expect((await late).code).toBe('JT016')

    await database().query(`delete from jobtable.job where type = 'raced'`)
    await operator.query('begin')
    await operator.query(remove, ['raced'])
    const insert = refusal(insertJob(client, 'raced'))
    await untilBlocked(database(), client)
    await operator.query('commit')
    expect((await insert).code).toBe('JT001')
  })
})
