import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedServer, type StopMode, startEmbedded } from '../../src/embedded.ts'
import { migrate } from '../../src/migrate.ts'
import { freePort } from '../support/port.ts'
import { createTemporaryDir } from '../support/temporary.ts'
import { createClock } from './clock.ts'

/** Few enough that a strike can take them all, enough for all workers and clients. */
const MAX_CONNECTIONS = 120

/** The server that is struck: PostgreSQL with jobtable installed, which can be restarted. */
export interface Postgres extends AsyncDisposable {
  /** As the ordinary role that owns the database. */
  readonly url: string
  /** To the same database as the superuser, for whom a few connections are set aside. */
  readonly adminUrl: string
  readonly port: number
  /** Stops the server, starts it again, and returns when it accepts connections. */
  restart(mode: StopMode): Promise<void>
  /** Sets its clock so many seconds ahead of the machine's. */
  moveClock(offsetSeconds: number): Promise<void>
}

/**
 * Starts a server in a temporary folder. Its data survives the death of processes, not that of the
 * machine: nothing here takes the machine down.
 */
export async function startPostgres(): Promise<Postgres> {
  const dir = await createTemporaryDir()
  const clockDir = join(dir, 'clockwork')
  const options = {
    dataDir: join(dir, 'server'),
    port: await freePort(),
    durable: false,
    settings: { max_connections: String(MAX_CONNECTIONS), max_wal_size: '4GB' },
  }
  const remove = async (): Promise<void> => await rm(dir, { recursive: true, force: true })
  let server: EmbeddedServer | undefined
  try {
    await mkdir(clockDir, { mode: 0o755 })
    server = await startEmbedded(options)
    const clock = await createClock(clockDir, server.pid)
    await migrate({ connectionString: server.url })
    const start = async (): Promise<EmbeddedServer> =>
      await startEmbedded({ ...options, binDir: clock.binDir })
    await server.stop('fast')
    server = await start()
    const { url, adminUrl } = server
    let restarting = Promise.resolve()
    return {
      url,
      adminUrl: Object.assign(new URL(adminUrl), { pathname: new URL(url).pathname }).href,
      port: options.port,
      restart: async (mode) => {
        // One after the other, if two are asked for at once.
        restarting = restarting.then(async () => {
          await server?.stop(mode)
          server = await start()
        })
        await restarting
      },
      moveClock: clock.moveTo,
      [Symbol.asyncDispose]: async () => {
        // In order: a crash would leave shared memory behind.
        await server?.stop('fast')
        await remove()
      },
    }
  } catch (error) {
    await server?.stop('fast')
    await remove()
    throw error
  }
}
