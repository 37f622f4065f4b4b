import { Command, Option } from 'commander'
import type { Id } from '../database.ts'
import { ConfigError } from '../errors.ts'
import { type Executor, MAX_CONCURRENCY } from '../executor.ts'
import { HEARTBEAT_MS } from '../heartbeat.ts'
import { type Logger, withFields } from '../log.ts'
import { requireSchema } from '../migrate.ts'
import { DEFAULT_CONCURRENCY, DEFAULT_GRACE_MS, DEFAULT_POLL_MS, Worker } from '../worker.ts'
import {
  type DatabaseOptions,
  type DatabasesOptions,
  databasesOptions,
  describeDatabase,
  eachDatabase,
  locateDatabase,
  withDatabase,
} from './connect.ts'
import { OutcomeError } from './errors.ts'
import { executorsOption, loadFolders } from './executors.ts'
import { Interruption } from './interruption.ts'
import { duration, integer, repeated } from './options.ts'
import { createLog, LOG_LEVELS, logEvents, logFaults, type WorkerLogLevel } from './worker-log.ts'

/** An hour: three of them are the longest that jobs of a dead worker wait. */
const MAX_HEARTBEAT_MS = 3_600_000

interface WorkerCommandOptions extends DatabasesOptions {
  readonly executors: readonly string[]
  readonly concurrency: number
  readonly prefetch: number
  readonly poll: number
  readonly grace: number
  readonly heartbeat: number
  /** false: --no-listen. */
  readonly listen: boolean
  readonly listenUrl?: readonly string[]
  readonly untilEmpty?: boolean
  readonly logLevel: WorkerLogLevel
  readonly json?: boolean
}

export function workerCommand(): Command {
  return databasesOptions(new Command('worker'))
    .summary('run jobs')
    .description(
      'Runs jobs of the types whose executors it has, until SIGTERM or SIGINT: then it claims nothing ' +
        'more, gives back what has not begun, and lets running jobs end. A second signal stops them at ' +
        'once, without costing them an attempt. Exit code 0 after either.',
    )
    .addOption(executorsOption())
    .option(
      '--concurrency <n>',
      'jobs to run at once, of each database',
      integer(1, MAX_CONCURRENCY),
      DEFAULT_CONCURRENCY,
    )
    .option('--prefetch <n>', 'jobs to take ahead of that', integer(0, MAX_CONCURRENCY), 0)
    .option(
      '--poll <ms>',
      'look for jobs at least this often, in milliseconds',
      integer(1, 2 ** 31 - 1),
      DEFAULT_POLL_MS,
    )
    .option(
      '--grace <ms>',
      'when stopping, let jobs run on for this long, in milliseconds',
      duration,
      DEFAULT_GRACE_MS,
    )
    .option(
      '--heartbeat <ms>',
      'show this often that the worker lives, in milliseconds; after three missed ones others run its jobs',
      integer(1, MAX_HEARTBEAT_MS),
      HEARTBEAT_MS,
    )
    .option(
      '--listen-url <url>',
      'where to LISTEN for new jobs, if not at the database URL: a pooler passes no notifications; with ' +
        'several databases, one for each',
      repeated(String),
    )
    .addOption(new Option('--no-listen', 'only poll').conflicts('listenUrl'))
    .option('--until-empty', 'end when there is nothing to do now; exit code 1 if a job failed')
    .addOption(
      new Option('--log-level <level>', 'least important lines to log')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .option('--json', 'log JSON on a terminal too')
    .action(run)
}

async function run(options: WorkerCommandOptions): Promise<void> {
  const log = createLog(options.logLevel, options.json === true)
  logFaults(log)
  const executors = await loadFolders(options.executors)
  const databases = eachDatabase(options)
  const { listenUrl } = options
  if (listenUrl !== undefined && listenUrl.length !== databases.length) {
    throw new ConfigError(
      'listen_urls',
      `--listen-url is given ${listenUrl.length} times for ${databases.length} databases: give one for each, in order`,
    )
  }
  // What is wrong with a database is told as by every other command.
  for (const database of databases) await withDatabase(database, 'worker', requireSchema)
  const workers = await Promise.all(
    databases.map(
      async (database, n) => await prepare(database, listenUrl?.[n], options, executors, log),
    ),
  )
  const failed = await runUntilStopped(workers, options, log)
  if (options.untilEmpty === true && failed > 0) {
    throw new OutcomeError('jobs_failed', failed === 1 ? '1 job failed' : `${failed} jobs failed`)
  }
}

/** The worker of one database, which says in the log whose lines are its own if there are others. */
async function prepare(
  database: DatabaseOptions,
  listenUrl: string | undefined,
  options: WorkerCommandOptions,
  executors: readonly Executor[],
  processLog: Logger,
): Promise<Worker> {
  const source = await locateDatabase(database)
  const name = describeDatabase(source)
  const isOnly = (options.databaseUrl?.length ?? 1) === 1
  const log = isOnly ? processLog : withFields(processLog, { database: name })
  const worker = new Worker({
    connectionString: source.connectionString,
    listenConnectionString: options.listen ? listenUrl : null,
    executors,
    concurrency: options.concurrency,
    prefetch: options.prefetch,
    pollMs: options.poll,
    graceMs: options.grace,
    heartbeatMs: options.heartbeat,
    log,
  })
  logEvents(worker, log)
  processLog.info(`running jobs of ${name}`, {
    types: executors.map(({ type }) => type),
    concurrency: options.concurrency,
  })
  return worker
}

/** Runs the workers until a signal, or until nothing is left to do. Answers how many jobs failed. */
async function runUntilStopped(
  workers: readonly Worker[],
  { grace, untilEmpty }: Pick<WorkerCommandOptions, 'grace' | 'untilEmpty'>,
  log: Logger,
): Promise<number> {
  using interruption = new Interruption()
  const { signal, hurry } = interruption
  const running = new Set(workers)
  const stopped = Promise.withResolvers<void>()
  const stop = (worker: Worker): void => {
    worker.stop().then(() => {
      running.delete(worker)
      if (running.size === 0) stopped.resolve()
    }, stopped.reject)
  }
  const stopAll = (): void => {
    for (const worker of running) stop(worker)
  }
  signal.addEventListener('abort', () => {
    log.info(`stopping: running jobs have ${grace / 1000} s, or until a second signal`)
    stopAll()
  })
  hurry.addEventListener('abort', () => {
    log.info('stopping at once')
    stopAll()
  })
  let failed = 0
  for (const worker of workers) {
    // Jobs whose latest attempt here has failed.
    const lately = new Set<Id>()
    worker.events.on('finished', (outcomes) => {
      for (const { id, outcome } of outcomes) {
        if (outcome === 'failed' || outcome === 'timed_out') lately.add(id)
        else lately.delete(id)
      }
    })
    worker.events.once('stopped', () => {
      failed += lately.size
    })
    if (untilEmpty === true) worker.events.once('idle', () => stop(worker))
  }
  try {
    await Promise.all(workers.map(async (worker) => await worker.start()))
  } catch (error) {
    stopAll()
    await stopped.promise
    // Stopped before it had started: that is what was asked for.
    if (!signal.aborted) throw error
  }
  await stopped.promise
  return failed
}
