import { Command } from 'commander'
import type { Pool } from 'pg'
import { noSuchJob, waitFor } from '../client.ts'
import type { Id } from '../database.ts'
import { jobState, type LogLine } from '../queries/jobs.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { LogFollower, logText } from './job-log.ts'
import { jobId } from './options.ts'
import { print, printJson } from './output.ts'

interface LogsOptions extends DatabaseOptions {
  readonly follow?: boolean
  readonly json?: boolean
}

export function logsCommand(): Command {
  return databaseOptions(new Command('logs'))
    .summary("print a job's log lines")
    .description('Prints the log lines of a job, oldest first.')
    .argument('<id>', 'the job', jobId)
    .option('--follow', 'go on until the job is finished')
    .option('--json', 'one JSON object a line')
    .action(async (id: Id, options: LogsOptions) => {
      await withDatabase(options, 'logs', (database) => run(database, id, options))
    })
}

async function run(database: Pool, id: Id, { follow, json }: LogsOptions): Promise<void> {
  const lines = new LogFollower(database, id)
  const show = (line: LogLine): void => (json === true ? printJson(line) : print(logText(line)))
  if (follow !== true && (await jobState(database, id)) === undefined) throw noSuchJob(id)
  if (follow === true) {
    await waitFor(database, id, {
      onLook: async () => {
        for (const line of await lines.next()) show(line)
      },
    })
  }
  for await (const line of lines.rest()) show(line)
}
