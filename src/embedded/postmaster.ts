import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Binaries, cleanEnvironment } from './binaries.ts'
import { EmbeddedError, systemErrorCode } from './errors.ts'
import type { Folder } from './folder.ts'
import { hasId, isAlive } from './process.ts'

/** How a server is stopped: sessions are ended and a checkpoint written, or neither. */
export type StopMode = 'fast' | 'immediate'

/** What a running server says of itself in its `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly ready: boolean
}

export interface StartOptions {
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  /** Whether the server goes on when this process is killed. */
  readonly outliveParent: boolean
}

/** Recovery after a crash replays at most max_wal_size (1 GB), seconds on any disk. */
const START_TIMEOUT_MS = 120_000

/** A fast shutdown writes a checkpoint; past this it is made immediate, which loses nothing. */
const STOP_TIMEOUT_MS = 60_000

const POLL_MS = 10

/** The server's log is set aside once, at a start, when it has grown past this. */
const LOG_LIMIT_BYTES = 4 * 1024 * 1024

/** The living server of a cluster, by its `postmaster.pid`; undefined if there is none. */
export function findPostmaster(pgdata: string): Postmaster | undefined {
  const lines = readPidFile(pgdata)
  const pid = pidOf(lines)
  if (!isAlive(pid) || !isServerOf(pid, pgdata)) return undefined
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/**
 * Starts the server and waits until it accepts connections.
 *
 * @throws EmbeddedError `start_failed`, with what the server logged
 */
export async function startPostmaster(
  folder: Folder,
  binaries: Binaries,
  options: StartOptions,
): Promise<{ child: ChildProcess; postmaster: Postmaster }> {
  adoptPidFile(folder.pgdata)
  const logStart = await prepareLog(folder.log)
  const child = spawnServer(folder, binaries, options)
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    await delay(POLL_MS)
    if (failure !== undefined || child.exitCode !== null || child.signalCode !== null) break
    const found = findPostmaster(folder.pgdata)
    if (found?.pid === child.pid && found?.ready) return { child, postmaster: found }
    if (Date.now() > deadline) {
      child.kill('SIGQUIT')
      break
    }
  }
  const logged = await readFrom(folder.log, logStart)
  throw new EmbeddedError(
    'start_failed',
    `PostgreSQL did not start on ${folder.pgdata}: ${failure?.message ?? lastWords(logged)} ` +
      `(its whole log: ${folder.log})`,
    { cause: failure ?? new Error(logged) },
  )
}

/**
 * Stops a server and waits until it is gone.
 *
 * @throws EmbeddedError `stop_failed` if it is still there a minute after an immediate stop
 */
export async function stopPostmaster(
  pid: number,
  child: ChildProcess | undefined,
  mode: StopMode,
): Promise<void> {
  const exit = child === undefined ? undefined : once(child, 'exit')
  const gone = async (): Promise<boolean> => {
    if (child !== undefined) {
      if (child.exitCode !== null || child.signalCode !== null) return true
      await Promise.race([exit, delay(POLL_MS * 10)])
      return child.exitCode !== null || child.signalCode !== null
    }
    await delay(POLL_MS)
    return !isAlive(pid)
  }
  for (const signal of mode === 'fast' ? (['SIGINT', 'SIGQUIT'] as const) : ['SIGQUIT' as const]) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (systemErrorCode(error) !== 'ESRCH') throw error
    }
    const deadline = Date.now() + STOP_TIMEOUT_MS
    while (Date.now() < deadline) if (await gone()) return
  }
  throw new EmbeddedError(
    'stop_failed',
    `the PostgreSQL server with process id ${pid} does not end: end it by hand`,
  )
}

function spawnServer(folder: Folder, binaries: Binaries, options: StartOptions): ChildProcess {
  const settings: Record<string, string> = {
    ...options.settings,
    port: String(options.port),
    listen_addresses: '127.0.0.1',
    // A socket's path may have 107 bytes, which a data folder's easily exceeds; TCP serves all.
    unix_socket_directories: '',
  }
  const args = ['-D', folder.pgdata]
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`)
  const wrapped =
    !options.outliveParent && canTieToParent()
      ? (['setpriv', ['--pdeathsig', 'INT', '--', binaries.postgres, ...args]] as const)
      : ([binaries.postgres, args] as const)
  const log = openSync(folder.log, 'a', 0o600)
  try {
    const child = spawn(wrapped[0], wrapped[1], {
      ...folder.account.ids,
      cwd: folder.pgdata,
      env: cleanEnvironment(),
      // A session of its own: Ctrl-C in the terminal is for the worker, which still needs the server.
      detached: true,
      // A file, not a pipe: nobody has to read it for the server to go on.
      stdio: ['ignore', log, log],
    })
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

/** Linux can end a process when its parent dies, however that dies; util-linux 2.33 has the tool. */
function canTieToParent(): boolean {
  return (
    process.platform === 'linux' &&
    spawnSync('setpriv', ['--pdeathsig', 'INT', '--', 'true'], { stdio: 'ignore' }).status === 0
  )
}

/**
 * PostgreSQL refuses to start while the process named in a left-over `postmaster.pid` exists, even if it
 * is another program that was given the id since, as happens after a reboot and soon in a container.
 * It makes an exception for its own parent: so that is what the file then says. Removing the file would
 * do too, but from the rest of it PostgreSQL learns of children that a killed server left behind.
 */
function adoptPidFile(pgdata: string): void {
  const lines = readPidFile(pgdata)
  const pid = pidOf(lines)
  if (pid === 0 || !hasId(pid) || (isAlive(pid) && isServerOf(pid, pgdata))) return
  writeFileSync(pidFile(pgdata), [process.pid, ...lines.slice(1)].join('\n'))
}

function pidFile(pgdata: string): string {
  return join(pgdata, 'postmaster.pid')
}

function readPidFile(pgdata: string): string[] {
  try {
    return readFileSync(pidFile(pgdata), 'utf8').split('\n')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** 0 if there is none. */
function pidOf(lines: readonly string[]): number {
  return Number.parseInt(lines[0] ?? '', 10) || 0
}

function isServerOf(pid: number, pgdata: string): boolean {
  try {
    // A server's working directory is its cluster.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(pgdata)
  } catch {
    // No /proc, or not ours to read: any PostgreSQL may be the one, and is not to be disturbed.
    const { stdout } = spawnSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' })
    return stdout === null || basename(stdout.trim()).startsWith('postgres')
  }
}

async function prepareLog(path: string): Promise<number> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0
  if (size <= LOG_LIMIT_BYTES) return size
  await rename(path, `${path}.1`)
  return 0
}

async function readFrom(path: string, offset: number): Promise<string> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const buffer = Buffer.alloc(Math.max(0, size - offset))
  await file.read(buffer, 0, buffer.length, offset)
  return buffer.toString('utf8')
}

function lastWords(log: string): string {
  const lines = log.trim().split('\n')
  const telling = lines.filter((line) => /FATAL|PANIC|ERROR|DETAIL|HINT|error/.test(line))
  return (telling.length > 0 ? telling : lines.slice(-3)).join(' ') || 'it gave no reason'
}
