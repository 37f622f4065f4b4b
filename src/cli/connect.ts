import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { Client, type ClientConfig, DatabaseError, Pool } from 'pg'
import { type ConnectionSource, findConnection, requireConnection } from '../config.ts'
import { addressOf } from '../database.ts'
import { findEmbedded } from '../embedded.ts'
import { ConfigError, codeOf, NOT_PERMITTED, RefusedError } from '../errors.ts'
import { requireSchema } from '../migrate.ts'
import { ConnectError, messageOf } from './errors.ts'
import { repeated } from './options.ts'

/** How long a server may take to let a command in, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000

/** Where `jobtable up` keeps its server unless told otherwise. */
export const DEFAULT_DATA_DIR = '.jobtable'

/** The options that name the database; see {@link databaseOptions}. */
export interface DatabaseOptions {
  readonly databaseUrl?: string
  readonly data?: string
}

/** The same of a command that takes several databases. */
export interface DatabasesOptions extends Omit<DatabaseOptions, 'databaseUrl'> {
  readonly databaseUrl?: readonly string[]
}

const URL_OPTION = '--database-url <url>'
const URL_MEANING = 'postgres://user:password@host:5432/database (default: from the environment)'

/** Adds the options that name the database. */
export function databaseOptions(command: Command): Command {
  return addOptions(command, new Option(URL_OPTION, URL_MEANING))
}

/** Adds the options that name a database or several. */
export function databasesOptions(command: Command): Command {
  const url = new Option(URL_OPTION, `${URL_MEANING}; repeat it for several databases`)
  return addOptions(command, url.argParser(repeated(String)))
}

function addOptions(command: Command, url: Option): Command {
  return command
    .addOption(url)
    .addOption(
      new Option('--data <dir>', `use the server that "jobtable up" runs on this folder`).conflicts(
        'databaseUrl',
      ),
    )
}

/** The options of each database that a command was given. */
export function eachDatabase({ databaseUrl, ...options }: DatabasesOptions): DatabaseOptions[] {
  return databaseUrl?.map((url) => ({ ...options, databaseUrl: url })) ?? [options]
}

/**
 * Finds the database: as the options say, else the environment, else the server of ./.jobtable. Throws
 * a ConfigError if nothing says where it is, and a ConnectError if no server runs on the folder.
 */
export async function locateDatabase({
  data,
  databaseUrl,
}: DatabaseOptions): Promise<ConnectionSource> {
  if (data !== undefined)
    return await serverOf(data, `--data ${data}`, `jobtable up --data ${data}`)
  const named = findConnection(databaseUrl)
  if (named !== undefined) return named
  if (!existsSync(DEFAULT_DATA_DIR)) return requireConnection(undefined)
  return await serverOf(DEFAULT_DATA_DIR, DEFAULT_DATA_DIR, 'jobtable up')
}

async function serverOf(folder: string, source: string, start: string): Promise<ConnectionSource> {
  const url = await findEmbedded(folder)
  if (url !== undefined) return { connectionString: url, source }
  throw new ConnectError('no_server', `no server runs on the data folder ${folder}`, {
    hint: `Start it: ${start}`,
  })
}

/** What the driver needs to reach a database, under a name that shows in pg_stat_activity. */
export function clientConfig(source: ConnectionSource, command: string): ClientConfig {
  const url = source.connectionString
  return {
    ...addressOf(url),
    application_name: `jobtable:${command}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  }
}

/** Names a server and database for people, without user and password. */
export function describeDatabase(source: ConnectionSource): string {
  const { host, port, database } = new Client(clientConfig(source, 'name'))
  return `database "${database ?? ''}" at ${host}:${port} (from ${source.source})`
}

/** A session of its own, to be ended by the caller. Throws a ConnectError that names the database. */
export async function connect(source: ConnectionSource, command: string): Promise<Client> {
  const client = new Client(clientConfig(source, command))
  // The statement that meets a lost connection fails; the event as such would end the process.
  client.on('error', () => undefined)
  await reach(source, async () => void (await client.connect()))
  return client
}

/**
 * Runs `use` with a pool of one connection, which is made again if it breaks. Throws a ConnectError
 * if the database cannot be reached, a MigrateError where what it lacks is jobtable, and a
 * RefusedError that names the role where that lacks a right.
 */
export async function withDatabase<T>(
  options: DatabaseOptions,
  command: string,
  use: (database: Pool) => Promise<T>,
): Promise<T> {
  const source = await locateDatabase(options)
  const pool = new Pool({ ...clientConfig(source, command), max: 1 })
  pool.on('error', () => undefined)
  try {
    await reach(source, async () => (await pool.connect()).release())
    return await use(pool)
  } catch (error) {
    if (MISSING_OBJECT.has(codeOf(error) ?? '')) await requireSchema(pool)
    throw error instanceof DatabaseError && error.code === NOT_PERMITTED
      ? notPermitted(error, source)
      : error
  } finally {
    await pool.end()
  }
}

function notPermitted(cause: DatabaseError, source: ConnectionSource): RefusedError {
  const { user } = new Client(clientConfig(source, 'name'))
  return new RefusedError(NOT_PERMITTED, cause.message, {
    cause,
    detail: cause.detail,
    hint: `The role "${user}" lacks a right: docs/owners.md tells which role may do what.`,
  })
}

/** SQLSTATEs of a schema, relation, column or function that is not there: jobtable's, perhaps. */
const MISSING_OBJECT: ReadonlySet<string> = new Set(['3F000', '42P01', '42703', '42883'])

/** What helps, by SQLSTATE. */
const HINTS: Readonly<Record<string, string>> = {
  '3D000': 'Create the database, or check its name.',
  '28P01': 'Check the user and the password.',
  '28000': 'Check the user and the password.',
}

async function reach(source: ConnectionSource, connecting: () => Promise<void>): Promise<void> {
  try {
    await connecting()
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const code = codeOf(cause instanceof AggregateError ? cause.errors[0] : cause)
    throw new ConnectError(
      code ?? 'connection_failed',
      `cannot connect to ${describeDatabase(source)}: ${messageOf(cause)}`,
      { cause, hint: HINTS[code ?? ''] ?? 'Check that the server runs there, and the address.' },
    )
  }
}
