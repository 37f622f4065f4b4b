import { Command } from 'commander'
import { resubmit } from '../client.ts'
import { type DatabaseOptions, databaseOptions } from './connect.ts'
import { forEachJob } from './each-job.ts'
import { jobId, jsonOption, repeated } from './options.ts'

export function resubmitCommand(): Command {
  return databaseOptions(new Command('resubmit'))
    .summary('run finished jobs again')
    .description('Runs finished jobs again. All are tried; exit code 5 if one was refused.')
    .argument('<id...>', 'the jobs', repeated(jobId))
    .addOption(jsonOption('an array of {"id", "done": "resubmitted"}'))
    .action(async (ids: string[], options: DatabaseOptions & { readonly json?: boolean }) => {
      await forEachJob(ids, options, 'resubmit', async (database, id) => {
        await resubmit(database, id)
        return { done: 'resubmitted', said: 'is new again' }
      })
    })
}
