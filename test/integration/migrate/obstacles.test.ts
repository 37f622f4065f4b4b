import { Client, escapeIdentifier } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../../src/migrate.ts'
import { createDatabase, type Database, expectNoLeaks } from '../../support/database.ts'
import { refused } from './refused.ts'
import { small, sqlFolder } from './sql-folder.ts'

let database: Database

beforeEach(async () => {
  database = await createDatabase({ empty: true })
})

afterEach(async () => {
  await expectNoLeaks(database)
  await database.drop()
})

const indexed = {
  ...small,
  'migrations/0002_index.sql': 'create index on jobtable.thing (name);',
}

test('waits for a lock in short attempts, so that nobody waits long behind it', async () => {
  const connectionString = database.url
  await migrate({ connectionString, ...(await sqlFolder()) })
  const client = await database.pool.connect()
  await client.query('begin; insert into jobtable.thing (id) values (1)')

  const notices: string[] = []
  const { steps } = await migrate({
    connectionString,
    ...(await sqlFolder(indexed)),
    onNotice: (message) => {
      notices.push(message)
      void client.query('commit')
    },
  })

  client.release()
  expect(notices[0]).toMatch(
    /^waiting for locks held by pid \d+ \(jobtable-test, idle in transaction since /,
  )
  expect(steps).toContain('migrations/0002_index.sql')
})

test('gives up after a while, names who holds the lock, and changes nothing', async () => {
  const connectionString = database.url
  await migrate({ connectionString, ...(await sqlFolder()) })
  const client = await database.pool.connect()
  await client.query('begin; insert into jobtable.thing (id) values (1)')

  const error = await refused(
    migrate({ connectionString, ...(await sqlFolder(indexed)), patienceMs: 1 }),
  )

  expect(error.code).toBe('lock_timeout')
  expect(error.message).toMatch(/^jobtable migrate could not have its locks, held by pid \d+ /)
  await client.query('rollback')
  client.release()
  expect(await database.query('select from jobtable_internal.migration')).toHaveLength(1)
})

test('a role without CREATE on the database is told what to ask for', async () => {
  const connectionString = database.url
  const role = escapeIdentifier(new URL(database.url).username)
  await database.query(`revoke create on database ${database.name} from public, ${role}`)

  for (const dryRun of [true, false]) {
    const error = await refused(migrate({ connectionString, dryRun }))
    expect(error.code).toBe('no_permission')
    expect(error.message).toContain(`grant create on database "${database.name}" to ${role}`)
  }

  await database.query(`grant create on database ${database.name} to ${role}`)
  await database.query('create schema jobtable; create schema jobtable_internal')
  await database.query(`revoke create on database ${database.name} from ${role}`)
  expect(await migrate({ connectionString })).toMatchObject({ found: 'missing' })
})

test('a role that does not own the schemas is told so', async ({ skip }) => {
  skip(database.adminUrl === undefined, 'needs a superuser')
  const admin = new Client({ connectionString: database.adminUrl })
  await admin.connect()
  await admin.query('create schema jobtable_internal')
  const early = await refused(migrate({ connectionString: database.url }))
  await admin.query('drop schema jobtable_internal')
  await admin.end()

  await migrate({ connectionString: database.adminUrl })
  const late = await refused(migrate({ connectionString: database.url }))

  expect([early.code, late.code]).toStrictEqual(['no_permission', 'no_permission'])
  expect(early.message).toContain('does not own schema jobtable_internal; ')
  expect(late.message).toContain('permission denied for schema jobtable_internal')
})
