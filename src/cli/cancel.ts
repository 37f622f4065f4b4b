import { Command } from 'commander'
import { cancel } from '../client.ts'
import { type DatabaseOptions, databaseOptions } from './connect.ts'
import { forEachJob } from './each-job.ts'
import { jobId, jsonOption, repeated } from './options.ts'

const SAID = {
  deleted: 'had not begun and is deleted',
  requested: 'has started and is asked to stop',
} as const

interface CancelOptions extends DatabaseOptions {
  readonly reason?: string
  readonly json?: boolean
}

export function cancelCommand(): Command {
  return databaseOptions(new Command('cancel'))
    .summary('cancel jobs')
    .description(
      'Cancels jobs: one that has not begun is deleted, a started one is asked to stop. All are tried; ' +
        'exit code 5 if one was refused.',
    )
    .argument('<id...>', 'the jobs', repeated(jobId))
    .option('--reason <text>', 'told to the executors that are asked to stop, and kept')
    .addOption(jsonOption('an array of {"id", "done": "deleted" or "requested"}'))
    .action(async (ids: string[], options: CancelOptions) => {
      await forEachJob(ids, options, 'cancel', async (database, id) => {
        const done = await cancel(database, id, options.reason)
        return { done, said: SAID[done] }
      })
    })
}
