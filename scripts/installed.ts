import { Client } from 'pg'
import { migrate } from '../src/migrate.ts'
import { startPrivateServer } from '../test/support/server.ts'

/** Does something in a database into which jobtable was freshly installed, and that is removed afterwards. */
export async function withInstalled<T>(work: (client: Client) => Promise<T>): Promise<T> {
  await using running = await startPrivateServer()
  const connectionString = running.url
  await migrate({ connectionString })
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
