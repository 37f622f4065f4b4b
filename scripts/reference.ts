// Writes docs/reference.md from the comments in a freshly installed database.
// With --check it writes nothing, and ends with 1 if the file is not what it would write.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { codeOf, sqlStates } from '../src/errors.ts'
import { migrate } from '../src/migrate.ts'
import { startPrivateServer } from '../test/support/server.ts'
import { type Catalog, readCatalog } from './reference/catalog.ts'
import { renderReference } from './reference/markdown.ts'

const FILE = fileURLToPath(new URL('../docs/reference.md', import.meta.url))

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const text = renderReference(await installedCatalog(), sqlStates)

if (!values.check) {
  await writeFile(FILE, text)
} else if ((await currentText()) !== text) {
  console.error('docs/reference.md is not what the SQL says; run "node scripts/reference.ts"')
  process.exitCode = 1
}

async function installedCatalog(): Promise<Catalog> {
  await using running = await startPrivateServer()
  const connectionString = running.embedded?.url
  await migrate({ connectionString })
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return await readCatalog(client)
  } finally {
    await client.end()
  }
}

async function currentText(): Promise<string> {
  return readFile(FILE, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  })
}
