import type { ChildProcess } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { requireUserName } from './embedded/account.ts'
import { type Binaries, prepareBinaries } from './embedded/binaries.ts'
import {
  clusterDirectory,
  connectionString,
  createCluster,
  ensureDatabase,
  requireVersion,
} from './embedded/cluster.ts'
import { EmbeddedError } from './embedded/errors.ts'
import {
  ADMIN_ROLE,
  createPasswords,
  createRoot,
  type Folder,
  keepPort,
  openFolder,
  type Passwords,
  readPasswords,
  USER_ROLE,
} from './embedded/folder.ts'
import { acquireLaunchLock } from './embedded/lock.ts'
import { choosePort } from './embedded/port.ts'
import {
  findPostmaster,
  type Postmaster,
  type StopMode,
  startPostmaster,
  stopPostmaster,
} from './embedded/postmaster.ts'

export { EmbeddedError } from './embedded/errors.ts'
export type { StopMode } from './embedded/postmaster.ts'

export interface EmbeddedOptions {
  /** Folder of the data, passwords, port and log; created if absent, kept over restarts. */
  readonly dataDir: string
  /** TCP port on 127.0.0.1. Default: that of the last start, at first any free one. */
  readonly port?: number
  /** Server settings by name, e.g. `{ max_connections: '200' }`; they win over the defaults. */
  readonly settings?: Readonly<Record<string, string>>
  /** Folder of `initdb` and `postgres`. Default: those of this platform's npm package. */
  readonly binDir?: string
  /**
   * Whether committed data survives a crash of the machine. Default true; false (fsync off) is for
   * tests. Without it data still survives a crash of the server.
   */
  readonly durable?: boolean
  /**
   * Whether the server goes on when this process is killed. Default false: on Linux it then stops
   * at once; elsewhere only an orderly exit of this process takes it along.
   */
  readonly outliveParent?: boolean
  /** Told, one line each, of the steps that take time. The server's own log is `server.log`. */
  readonly onLog?: (line: string) => void
}

/** A running server of one data folder. */
export interface EmbeddedServer extends AsyncDisposable {
  /** Connection string of the database `jobtable`, as the ordinary role that owns it. */
  readonly url: string
  /** Connection string of the database `postgres`, as the superuser. */
  readonly adminUrl: string
  /** Whether it was running already: whoever started it goes on owning it. */
  readonly attached: boolean
  /** Process id of the server. */
  readonly pid: number
  /**
   * Stops the server and waits until it is gone. `fast` (the default) ends sessions and writes a
   * checkpoint, `immediate` is a crash with recovery at the next start. Without a mode, and by
   * disposal, a server that was only attached to is left running.
   *
   * @throws EmbeddedError `stop_failed`
   */
  stop(mode?: StopMode): Promise<void>
}

/** fsync off alone loses nothing when a process is killed, as synchronous_commit off would. */
const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' }

/** A killed server's child may still run; a port may be taken between its choice and its use. */
const PASSING_FAULT = /pre-existing shared memory block|could not bind|could not create any TCP/
const PASSING_FAULT_TIMEOUT_MS = 20_000
const RETRY_MS = 200

/**
 * Starts a private PostgreSQL on a data folder, or attaches to the one that runs there: made by initdb
 * at the first start, on the loopback interface only, scram passwords in a file of mode 0600. Works as
 * root too, by running the server as `postgres` or `nobody`. Of several launchers at once one starts,
 * the others attach.
 *
 * @throws EmbeddedError by `code`; see EmbeddedErrorCode
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const log = options.onLog ?? (() => undefined)
  const root = await createRoot(options.dataDir)
  await using _lock = await acquireLaunchLock(root)
  const folder = await openFolder(root, log)

  const attached = await attach(folder)
  if (attached !== undefined) return attached

  if (!existsSync(folder.pgdata)) requireUserName(folder.account)
  const binaries = await prepareBinaries(folder.account, folder.home, options.binDir, log)
  const passwords = await ensureCluster(folder, binaries, options.durable ?? true, log)
  const { child, postmaster } = await start(folder, binaries, options)
  try {
    await ensureDatabase(connectionString(postmaster.port, ADMIN_ROLE, passwords), passwords)
  } catch (error) {
    await stopPostmaster(postmaster.pid, child, 'fast')
    throw error
  }
  await keepPort(folder, postmaster.port)
  return handle(postmaster, passwords, child, options.outliveParent ?? false)
}

/**
 * Finds the server that runs on a data folder, without starting one or changing anything.
 *
 * @returns the connection string of the ordinary role; undefined if no server runs there
 * @throws EmbeddedError `not_owner`, `data_missing`, `data_unreachable`, `password_missing`
 */
export async function findEmbedded(dataDir: string): Promise<string | undefined> {
  const root = resolve(dataDir)
  // Kept before the cluster is made: without it there is nothing to find, nor to open.
  if (!existsSync(join(root, 'pgpass'))) return undefined
  const folder = await openFolder(realpathSync(root), () => undefined)
  const postmaster = findPostmaster(folder.pgdata)
  if (postmaster?.ready !== true) return undefined
  return connectionString(postmaster.port, USER_ROLE, await requirePasswords(folder))
}

/** Undefined if no server runs on the folder, or the one that did has ended meanwhile. */
async function attach(folder: Folder): Promise<EmbeddedServer | undefined> {
  const deadline = Date.now() + PASSING_FAULT_TIMEOUT_MS
  for (;;) {
    const postmaster = findPostmaster(folder.pgdata)
    if (postmaster === undefined) return undefined
    const passwords = await requirePasswords(folder)
    try {
      const adminUrl = connectionString(postmaster.port, ADMIN_ROLE, passwords)
      const directory = await clusterDirectory(adminUrl)
      if (realpathSync(directory) !== realpathSync(folder.pgdata)) {
        throw new Error(`port ${postmaster.port} serves ${directory}`)
      }
      await ensureDatabase(adminUrl, passwords)
      return handle(postmaster, passwords, undefined, true)
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new EmbeddedError(
          'not_answering',
          `process ${postmaster.pid} runs PostgreSQL on ${folder.pgdata} and does not let us in ` +
            `(${cause instanceof Error ? cause.message : String(cause)}): stop it and try again`,
          { cause },
        )
      }
    }
    await delay(RETRY_MS)
  }
}

async function ensureCluster(
  folder: Folder,
  binaries: Binaries,
  durable: boolean,
  log: (line: string) => void,
): Promise<Passwords> {
  if (existsSync(folder.pgdata)) {
    await requireVersion(folder, binaries)
    return await requirePasswords(folder)
  }
  log(`creating a PostgreSQL ${binaries.major} database in ${folder.home}`)
  const passwords = await createPasswords(folder)
  await createCluster(folder, binaries, passwords, durable)
  return passwords
}

async function requirePasswords(folder: Folder): Promise<Passwords> {
  const passwords = await readPasswords(folder)
  if (passwords !== undefined) return passwords
  throw new EmbeddedError(
    'password_missing',
    `${folder.passfile}, which holds the passwords of ${folder.pgdata}, is missing or incomplete: ` +
      'bring it back, or remove both to begin anew',
  )
}

async function start(
  folder: Folder,
  binaries: Binaries,
  options: EmbeddedOptions,
): Promise<{ child: ChildProcess; postmaster: Postmaster }> {
  const settings = {
    ...((options.durable ?? true) ? {} : NOT_DURABLE),
    ...options.settings,
  }
  const deadline = Date.now() + PASSING_FAULT_TIMEOUT_MS
  for (;;) {
    const port = await choosePort(folder, options.port)
    try {
      const outliveParent = options.outliveParent ?? false
      return await startPostmaster(folder, binaries, { port, settings, outliveParent })
    } catch (error) {
      const passing = error instanceof EmbeddedError && PASSING_FAULT.test(error.message)
      if (!passing || Date.now() > deadline) throw error
    }
    await delay(RETRY_MS)
  }
}

function handle(
  postmaster: Postmaster,
  passwords: Passwords,
  child: ChildProcess | undefined,
  outliveParent: boolean,
): EmbeddedServer {
  const { pid, port } = postmaster
  const onExit = (): void => void child?.kill('SIGINT')
  if (!outliveParent) process.once('exit', onExit)
  const stop = async (mode?: StopMode): Promise<void> => {
    process.off('exit', onExit)
    if (child === undefined && mode === undefined) return
    await stopPostmaster(pid, child, mode ?? 'fast')
  }
  return {
    url: connectionString(port, USER_ROLE, passwords),
    adminUrl: connectionString(port, ADMIN_ROLE, passwords),
    attached: child === undefined,
    pid,
    stop,
    [Symbol.asyncDispose]: async () => await stop(),
  }
}
