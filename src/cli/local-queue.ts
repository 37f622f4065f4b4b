import { join, resolve } from 'node:path'
import { type EmbeddedServer, startEmbedded } from '../embedded.ts'
import type { Executor } from '../executor.ts'
import type { Logger } from '../log.ts'
import { migrate } from '../migrate.ts'
import { Worker } from '../worker.ts'
import { note } from './output.ts'
import { logEvents, logFaults } from './worker-log.ts'

export interface LocalQueueOptions {
  /** Folder of the server's data. */
  readonly data: string
  readonly executors: readonly Executor[]
  /** Jobs that the worker runs at once. */
  readonly concurrency?: number | undefined
  /** The server's port on 127.0.0.1. Default: that of the last start. */
  readonly port?: number | undefined
  readonly log: Logger
}

/** A whole queue of one's own: a PostgreSQL server with jobtable in it, and a worker. */
export interface LocalQueue {
  readonly server: EmbeddedServer
  /** The file that keeps the passwords, for its owner alone. */
  readonly passwordFile: string
  /** Stops the worker gracefully, at once when the signal fires, and the server that was started. */
  stop(hurry: AbortSignal): Promise<void>
}

/**
 * Starts server and worker. If that fails, or if the signal fires meanwhile, what was started is
 * stopped again and the error, or the signal's reason, is thrown.
 *
 * @throws EmbeddedError, MigrateError, ExecutorError
 */
export async function startLocalQueue(
  { data, executors, concurrency, port, log }: LocalQueueOptions,
  signal: AbortSignal,
): Promise<LocalQueue> {
  const server = await startEmbedded({
    dataDir: data,
    ...(port === undefined ? {} : { port }),
    onLog: note,
  }).catch((error: unknown) => {
    // Ctrl-C reaches the programs that make the database as well: that they end is no fault then.
    throw signal.aborted ? signal.reason : error
  })
  try {
    signal.throwIfAborted()
    await migrate({ connectionString: server.url, onNotice: note })
    signal.throwIfAborted()
    const worker = new Worker({ connectionString: server.url, executors, concurrency, log })
    logFaults(log)
    logEvents(worker, log)
    await worker.start()
    return {
      server,
      passwordFile: join(resolve(data), 'pgpass'),
      stop: async (hurry) => {
        const stopped = worker.stop()
        const stopAtOnce = (): void => void worker.stop()
        if (hurry.aborted) stopAtOnce()
        hurry.addEventListener('abort', stopAtOnce)
        await stopped
        hurry.removeEventListener('abort', stopAtOnce)
        await server.stop()
      },
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}
