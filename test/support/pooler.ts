import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './port.ts'

/** A PgBouncer in transaction mode before one database. */
export interface Pooler extends AsyncDisposable {
  /** The database through the pooler. */
  readonly url: string
}

/** Whether PgBouncer is installed. */
export const hasPooler: boolean = spawnSync('pgbouncer', ['--version']).status === 0

/** PgBouncer refuses to run as root, as PostgreSQL does. */
const NOBODY = 65_534

/**
 * Starts PgBouncer before a database, with few server connections, so that clients share them.
 *
 * @param port where it listens; default: any free port
 * @param size how many server connections; default 3
 */
export async function startPooler(
  databaseUrl: string,
  { port, size = 3 }: { readonly port?: number; readonly size?: number } = {},
): Promise<Pooler> {
  const target = new URL(databaseUrl)
  const directory = await mkdtemp('/tmp/jobtable-pooler-')
  const listenPort = port ?? (await freePort())
  const name = target.pathname.slice(1)
  const settings = join(directory, 'pgbouncer.ini')
  await writeFile(
    settings,
    [
      '[databases]',
      `${name} = host=${target.hostname} port=${target.port} dbname=${name} ` +
        `user=${decodeURIComponent(target.username)} password='${decodeURIComponent(target.password)}'`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${listenPort}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      `default_pool_size = ${size}`,
      'max_client_conn = 200',
      'server_reset_query = discard all',
    ].join('\n'),
    { mode: 0o600 },
  )
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    await chown(directory, NOBODY, NOBODY)
    await chown(settings, NOBODY, NOBODY)
  }
  const child = spawn('pgbouncer', [settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  })
  const exited = once(child, 'exit')
  const ready = Promise.withResolvers<void>()
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.includes('process up')) ready.resolve()
  })
  void exited.then(() => ready.reject(new Error(`pgbouncer did not start:\n${output}`)))
  await ready.promise
  target.hostname = '127.0.0.1'
  target.port = String(listenPort)
  return {
    url: target.href,
    async [Symbol.asyncDispose]() {
      // At once: SIGINT would wait for clients to leave.
      child.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true })
    },
  }
}
