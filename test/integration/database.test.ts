import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { createDatabase, expectNoLeaks, useDatabase } from '../support/database.ts'

const database = useDatabase()

test('the tests run as an ordinary role that owns its database', async () => {
  const rows = await database().query(
    `select rolsuper, rolcreaterole, rolbypassrls, pg_get_userbyid(datdba) = current_user as owner
     from pg_roles, pg_database
     where rolname = current_user and datname = current_database()`,
  )
  const ordinary = { rolsuper: false, rolcreaterole: false, rolbypassrls: false, owner: true }
  expect(rows).toEqual([ordinary])
})

test('a database has jobtable installed and nothing in it', async () => {
  const rows = await database().query('select count(*)::int as jobs from jobtable.job')
  expect(rows).toEqual([{ jobs: 0 }])
})

test('many are cloned at once', async () => {
  const databases = await Promise.all(Array.from({ length: 6 }, async () => await createDatabase()))
  try {
    expect(new Set(databases.map(({ name }) => name)).size).toBe(6)
  } finally {
    for (const { drop } of databases) await drop()
  }
})

test('dropping one leaves nothing behind', async () => {
  const { name, drop } = await createDatabase({ empty: true })
  await drop()
  const found = await database().query('select from pg_database where datname = $1', [name])
  expect(found).toEqual([])
})

test('a connection left open is found, unless it is known', async () => {
  await using other = await createDatabase({ empty: true })
  const client = new pg.Client({ connectionString: other.url, application_name: 'a worker' })
  client.on('error', () => undefined)
  await client.connect()
  await expect(expectNoLeaks(other)).rejects.toThrow('connections left behind')
  await expectNoLeaks(other, ['a worker'])
  await client.end()
  await expectNoLeaks(other)
})

test('a transaction left open on the tests’ own pool is found', async () => {
  await using other = await createDatabase({ empty: true })
  const client = await other.pool.connect()
  await client.query('begin')
  await expect(expectNoLeaks(other)).rejects.toThrow('connections left behind')
  await client.query('rollback')
  client.release()
  await expectNoLeaks(other)
})

test('all databases of a run are told apart from those of another', () => {
  expect(database().name.startsWith(inject('server').prefix)).toBe(true)
})
