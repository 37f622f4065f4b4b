import { Command, Option } from 'commander'
import { MAX_CONCURRENCY } from '../executor.ts'
import type { Logger } from '../log.ts'
import { requireSchema } from '../migrate.ts'
import { DEFAULT_CONCURRENCY, DEFAULT_GRACE_MS, DEFAULT_POLL_MS, Worker } from '../worker.ts'
import {
  type DatabaseOptions,
  databaseOptions,
  describeDatabase,
  locateDatabase,
  withDatabase,
} from './connect.ts'
import { OutcomeError } from './errors.ts'
import { executorsOption, loadFolders } from './executors.ts'
import { Interruption } from './interruption.ts'
import { duration, integer } from './options.ts'
import { createLog, LOG_LEVELS, logEvents, type WorkerLogLevel } from './worker-log.ts'

interface WorkerCommandOptions extends DatabaseOptions {
  readonly executors: readonly string[]
  readonly concurrency: number
  readonly prefetch: number
  readonly poll: number
  readonly grace: number
  /** false: --no-listen. */
  readonly listen: boolean
  readonly listenUrl?: string
  readonly untilEmpty?: boolean
  readonly logLevel: WorkerLogLevel
  readonly json?: boolean
}

export function workerCommand(): Command {
  return databaseOptions(new Command('worker'))
    .summary('run jobs')
    .description(
      'Runs jobs of the types whose executors it has, until SIGTERM or SIGINT: then it claims nothing ' +
        'more, gives back what has not begun, and lets running jobs end. A second signal stops them at ' +
        'once, without costing them an attempt. Exit code 0 after either.',
    )
    .addOption(executorsOption())
    .option(
      '--concurrency <n>',
      'jobs to run at once',
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
      '--listen-url <url>',
      'where to LISTEN for new jobs, if not at the database URL: a pooler passes no notifications',
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
  const executors = await loadFolders(options.executors)
  const source = await locateDatabase(options)
  // What is wrong with the database is told as by every other command.
  await withDatabase(options, 'worker', requireSchema)
  const worker = new Worker({
    connectionString: source.connectionString,
    listenConnectionString: options.listen ? options.listenUrl : null,
    executors,
    concurrency: options.concurrency,
    prefetch: options.prefetch,
    pollMs: options.poll,
    graceMs: options.grace,
    log,
  })
  logEvents(worker, log)
  log.info(`running jobs of ${describeDatabase(source)}`, {
    types: executors.map(({ type }) => type),
    concurrency: options.concurrency,
  })
  const failed = await runUntilStopped(worker, options, log)
  if (options.untilEmpty === true && failed > 0) {
    throw new OutcomeError('jobs_failed', failed === 1 ? '1 job failed' : `${failed} jobs failed`)
  }
}

/** Runs the worker until a signal, or until nothing is left to do. Answers how many jobs failed. */
async function runUntilStopped(
  worker: Worker,
  { grace, untilEmpty }: Pick<WorkerCommandOptions, 'grace' | 'untilEmpty'>,
  log: Logger,
): Promise<number> {
  using interruption = new Interruption()
  const { signal, hurry } = interruption
  const stopped = Promise.withResolvers<void>()
  const stop = (): void => void worker.stop().then(stopped.resolve, stopped.reject)
  signal.addEventListener('abort', () => {
    log.info(`stopping: running jobs have ${grace / 1000} s, or until a second signal`)
    stop()
  })
  hurry.addEventListener('abort', () => {
    log.info('stopping at once')
    stop()
  })
  let failed = 0
  worker.events.on('finished', (outcomes) => {
    failed += outcomes.filter(({ outcome }) => outcome === 'failed').length
  })
  if (untilEmpty === true) worker.events.once('idle', stop)
  await worker.start().catch((error: unknown) => {
    // Stopped before it had started: that is what was asked for.
    if (!signal.aborted) throw error
  })
  await stopped.promise
  return failed
}
