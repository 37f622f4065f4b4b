import pg from 'pg'
import { expect, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { addTypes, insertJob } from '../support/job.ts'
import { startPrivateServer } from '../support/server.ts'

/** What the recipe of docs/reports.md does, read as a subscriber would. */
test('a logical replication slot streams the events, also of a job that is deleted', async () => {
  await using running = await startPrivateServer({ settings: { wal_level: 'logical' } })
  await using database = await createDatabase({ server: running.server })
  await addTypes(database, 'streamed', 'silent')
  await database.query(`update jobtable.job_type set history = true where name = 'streamed'`)
  await database.query(
    `create publication job_events for table jobtable.job_event with (publish = 'insert')`,
  )
  await using admin = await connect(database.adminUrl)
  await admin.client.query(`select pg_create_logical_replication_slot('events', 'pgoutput')`)

  await insertJob(database, 'silent', { title: 'untold' })
  const id = await insertJob(database, 'streamed')
  await database.query('update jobtable.job set title = $2 where id = $1', [id, 'Renamed'])
  await database.query('delete from jobtable.job where id = $1', [id])

  const { rows } = await admin.client.query<{ data: Buffer }>(
    `select data from pg_logical_slot_get_binary_changes('events', null, null,
       'proto_version', '1', 'publication_names', 'job_events')`,
  )
  // The first byte is the kind of the message: I is an INSERT.
  const inserts = rows.map(({ data }) => data.toString('latin1')).filter((text) => text[0] === 'I')
  expect(inserts).toHaveLength(3)
  expect(inserts.every((text) => text.includes('streamed'))).toBe(true)
  expect(inserts[1]).toContain('"to": "Renamed"')
  await admin.client.query(`select pg_drop_replication_slot('events')`)
})

async function connect(
  url: string | undefined,
): Promise<AsyncDisposable & { readonly client: pg.Client }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return { client, [Symbol.asyncDispose]: async () => await client.end() }
}
