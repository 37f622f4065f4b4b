import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { switchError } from './account.ts'
import { type Binaries, cleanEnvironment } from './binaries.ts'
import { EmbeddedError, systemErrorCode } from './errors.ts'
import {
  ADMIN_ROLE,
  createServerDirectory,
  type Folder,
  type Passwords,
  USER_ROLE,
} from './folder.ts'

/** A server that accepts TCP connections answers within milliseconds; a stopped process never does. */
const CONNECT_TIMEOUT_MS = 5_000

/** The connection string of a role's database on the local server. */
export function connectionString(
  port: number,
  role: typeof ADMIN_ROLE | typeof USER_ROLE,
  passwords: Passwords,
): string {
  return `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${role}`
}

/**
 * Creates the cluster: UTF-8 and the C locale whatever the environment says, passwords for everybody.
 * It appears under its name only when complete, so a launcher killed half-way leaves nothing to repair.
 *
 * @param durable false leaves out the flush to disk at the end
 * @throws EmbeddedError `initdb_failed`, `cannot_switch_account`
 */
export async function createCluster(
  folder: Folder,
  binaries: Binaries,
  passwords: Passwords,
  durable: boolean,
): Promise<void> {
  const { account } = folder
  const unfinished = `${folder.pgdata}.new`
  const passwordFile = join(folder.home, 'initdb-password')
  await createServerDirectory(account, unfinished)
  try {
    await rm(passwordFile, { force: true })
    await writeFile(passwordFile, passwords[ADMIN_ROLE], { mode: 0o600, flag: 'wx' })
    if (account.ids !== undefined) await chown(passwordFile, account.ids.uid, account.ids.gid)
    const args = ['-D', unfinished, '-U', ADMIN_ROLE, '-A', 'scram-sha-256']
    args.push('--pwfile', passwordFile, '--locale=C', '--encoding=UTF8')
    if (!durable) args.push('--no-sync')
    await runInitdb(folder, binaries, args)
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(unfinished, folder.pgdata)
}

/**
 * @throws EmbeddedError `version_mismatch` if the cluster was made by another major version
 */
export async function requireVersion(folder: Folder, binaries: Binaries): Promise<void> {
  const made = Number.parseInt(await readFile(join(folder.pgdata, 'PG_VERSION'), 'utf8'), 10)
  if (made === binaries.major) return
  throw new EmbeddedError(
    'version_mismatch',
    `${folder.pgdata} was made by PostgreSQL ${made}, the programs here are ${binaries.major}: ` +
      `name another data folder, or dump the data with PostgreSQL ${made} and restore it here`,
  )
}

/**
 * Creates the ordinary role and its database unless they are there. Two statements that cannot share
 * a transaction: a launcher killed between them is made good by the next start.
 */
export async function ensureDatabase(adminUrl: string, passwords: Passwords): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const role = await client.query('select from pg_catalog.pg_roles where rolname = $1', [
      USER_ROLE,
    ])
    if (role.rowCount === 0) {
      const password = client.escapeLiteral(passwords[USER_ROLE])
      // It may create the roles by which owners are kept apart.
      await client.query(`create role ${USER_ROLE} login createrole password ${password}`)
      // By default a schema of the role's name comes first, which here is the queue's own.
      await client.query(`alter role ${USER_ROLE} set search_path = public`)
    }
    const database = await client.query('select from pg_catalog.pg_database where datname = $1', [
      USER_ROLE,
    ])
    if (database.rowCount === 0) {
      await client.query(`create database ${USER_ROLE} owner ${USER_ROLE}`)
    }
  })
}

/** The cluster directory of the server that answers at `adminUrl`. */
export async function clusterDirectory(adminUrl: string): Promise<string> {
  return await withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    return rows[0]?.data_directory ?? ''
  })
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS * 12,
  })
  // Without a listener a connection that breaks between two statements would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end()
  }
}

async function runInitdb(folder: Folder, binaries: Binaries, args: string[]): Promise<void> {
  const child = spawn(binaries.initdb, args, {
    ...folder.account.ids,
    cwd: folder.home,
    env: cleanEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  try {
    await once(child, 'close')
  } catch (error) {
    const code = systemErrorCode(error)
    if (error instanceof Error && (code === 'EPERM' || code === 'EINVAL')) {
      throw switchError(folder.account, error)
    }
    stderr = String(error)
  }
  if (child.exitCode === 0) return
  throw new EmbeddedError(
    'initdb_failed',
    `PostgreSQL's initdb could not create ${folder.pgdata}: ${stderr.trim() || child.signalCode}`,
  )
}
