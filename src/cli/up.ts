import { Command } from 'commander'
import { type Executor, MAX_CONCURRENCY } from '../executor.ts'
import { bundledExecutors } from '../resolve.ts'
import { DEFAULT_CONCURRENCY } from '../worker.ts'
import { DEFAULT_DATA_DIR } from './connect.ts'
import { executorsOption, loadFolders } from './executors.ts'
import { Interruption } from './interruption.ts'
import { type LocalQueue, startLocalQueue } from './local-queue.ts'
import { integer } from './options.ts'
import { note, print } from './output.ts'
import { createLog } from './worker-log.ts'

export interface UpOptions {
  readonly data: string
  readonly executors: readonly string[]
  readonly concurrency: number
  readonly port?: number
}

const MAX_PORT = 65_535

/** Adds the options of a queue that runs here. */
export function upOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'where the data is kept', DEFAULT_DATA_DIR)
    .addOption(
      executorsOption()
        .makeOptionMandatory(false)
        .default([bundledExecutors()], 'those that come with jobtable'),
    )
    .option(
      '--concurrency <n>',
      'jobs to run at once',
      integer(1, MAX_CONCURRENCY),
      DEFAULT_CONCURRENCY,
    )
    .option('--port <n>', "the server's port (default: that of the last start)", (text) =>
      integer(1, MAX_PORT)(text),
    )
}

export function upCommand(): Command {
  return upOptions(new Command('up'))
    .summary('run a database and a worker here')
    .description(
      'Starts PostgreSQL on a data folder, or joins the one that runs there, installs jobtable in it ' +
        'and runs jobs, until SIGINT or SIGTERM: then the worker stops as "jobtable worker" does, and ' +
        'the server with it. Prints the connection string. Exit code 0 after a signal.',
    )
    .action(async (options: UpOptions) => {
      using interruption = new Interruption()
      const executors = await loadFolders(options.executors)
      const log = createLog('info', false)
      const queue = await startLocalQueue({ ...options, executors, log }, interruption.signal)
      print(queue.server.url)
      announce(queue, executors)
      await stayUp(queue, interruption)
    })
}

function announce({ server, passwordFile }: LocalQueue, executors: readonly Executor[]): void {
  // Only a job that can run as it stands is worth typing.
  const plain = executors.find(({ payload }) => {
    const checked = payload?.['~standard'].validate({})
    return checked === undefined || ('value' in checked && checked.issues === undefined)
  })
  note(
    [
      `PostgreSQL ${server.attached ? 'was running already' : 'runs'}; its password is kept in ${passwordFile}`,
      `job types: ${executors.map(({ type }) => type).join(', ')}`,
      'with any client that speaks SQL:',
      plain === undefined
        ? "  insert into jobtable.job (type, payload) values (…, '{…}');"
        : `  insert into jobtable.job (type) values ('${plain.type}');`,
      '  select id, type, status, fraction, message, result from jobtable.job_report order by id;',
      'Ctrl-C stops it',
    ].join('\n'),
  )
}

/** Returns when a signal has come and everything is stopped. */
export async function stayUp(queue: LocalQueue, interruption: Interruption): Promise<void> {
  const { signal, hurry } = interruption
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }
  note('stopping: running jobs have 30 s, or until a second signal')
  await queue.stop(hurry)
}
