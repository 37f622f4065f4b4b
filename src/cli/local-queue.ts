import { join, resolve } from 'node:path'
import { type EmbeddedServer, startEmbedded } from '../embedded.ts'
import type { Executor } from '../executor.ts'
import { loadExecutors } from '../loader.ts'
import type { Logger } from '../log.ts'
import { migrate } from '../migrate.ts'
import { Worker } from '../worker.ts'
import { bundledExecutors } from './resolve.ts'

export interface LocalQueueOptions {
  /** Folder of the server's data. */
  readonly data: string
  /** Folders of executors. Default: those that come with the package. */
  readonly executors?: readonly string[] | undefined
  /** Jobs that the worker runs at once. */
  readonly concurrency?: number | undefined
  /** The server's port on 127.0.0.1. */
  readonly port?: number | undefined
  readonly log: Logger
}

/** A whole queue of one's own: a PostgreSQL server with jobtable in it, and a worker. */
export interface LocalQueue {
  readonly server: EmbeddedServer
  readonly worker: Worker
  readonly types: readonly string[]
  /** The file that keeps the password, for its owner alone. */
  readonly passwordFile: string
  /**
   * Stops the worker gracefully, then the server, unless it was running before. `hurry` makes running
   * jobs stop at once.
   */
  stop(hurry?: AbortSignal): Promise<void>
}

/**
 * Starts server and worker. Whatever was started is stopped again if that fails, or if the signal
 * fires meanwhile, with its reason.
 *
 * @throws ConfigError, ExecutorError, EmbeddedError, MigrateError
 */
export async function startLocalQueue(
  options: LocalQueueOptions,
  signal: AbortSignal,
): Promise<LocalQueue> {
  const { data, port, concurrency, log } = options
  // First, since it is what is at fault most often, and costs least.
  const executors = await loadAll(options.executors ?? [bundledExecutors()])
  signal.throwIfAborted()
  const server = await startEmbedded({
    dataDir: data,
    ...(port === undefined ? {} : { port }),
    onLog: (line) => log.info(line),
  })
  try {
    signal.throwIfAborted()
    await migrate({ connectionString: server.url, onNotice: (notice) => log.warn(notice) })
    signal.throwIfAborted()
    const worker = new Worker({ connectionString: server.url, executors, concurrency, log })
    worker.events.on('trouble', (error) => log.warn('the database is in trouble', { error }))
    worker.events.on('recovered', () => log.info('the database answers again'))
    await worker.start()
    return {
      server,
      worker,
      types: executors.map(({ type }) => type),
      passwordFile: join(resolve(data), 'pgpass'),
      stop: async (hurry) => {
        const stopped = worker.stop()
        const onHurry = (): void => void worker.stop()
        hurry?.addEventListener('abort', onHurry)
        await stopped
        hurry?.removeEventListener('abort', onHurry)
        await server.stop()
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function loadAll(folders: readonly string[]): Promise<Executor[]> {
  const executors: Executor[] = []
  for (const folder of folders) executors.push(...(await loadExecutors(folder)))
  return executors
}
