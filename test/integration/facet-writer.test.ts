import pg from 'pg'
import { expect, test } from 'vitest'
import { FacetWriter } from '../../src/facet.ts'
import { useDatabase } from '../support/database.ts'
import { insertJobs } from '../support/job.ts'
import { startTicker } from '../support/ticker.ts'

const database = useDatabase()

test('facets that a client has locked are sent again through one connection of several', async () => {
  const LOCKED = 8
  const RETRIES = 6
  await database().query(
    `create table pages (
       job bigint primary key references jobtable.job (id) on delete cascade, n integer
     )`,
  )
  const ticker = await startTicker(database(), 'writing')
  await insertJobs(database(), 'writing', LOCKED)
  const jobs = await ticker.claim()
  await database().query('insert into pages select id from jobtable.job')

  const pool = new pg.Pool({ connectionString: database().url, max: 4 })
  const client = new pg.Client({ connectionString: database().url })
  await client.connect()
  await client.query('begin')
  await client.query('select from pages for update')
  // Who waits for a connection has the next one: those after the first of each job are retries.
  let sent = 0
  let most = 0
  const retries = new Set<unknown>()
  const tried = Promise.withResolvers<void>()
  pool.on('acquire', (connection) => {
    sent += 1
    if (sent > LOCKED) retries.add(connection)
    most = Math.max(most, retries.size)
    if (sent === LOCKED + RETRIES) tried.resolve()
  })
  pool.on('release', (_error, connection) => retries.delete(connection))
  const facets = new FacetWriter(pool, database().pool, () => undefined)
  try {
    const written = jobs.map((job) => facets.write(job, 'pages', { n: 1 }))
    await tried.promise
    expect(most).toBe(1)
    await client.query('commit')
    await Promise.all(written)
    expect(await database().query('select distinct n from pages')).toEqual([{ n: 1 }])
  } finally {
    await client.end()
    await facets.stop()
    await pool.end()
  }
})
