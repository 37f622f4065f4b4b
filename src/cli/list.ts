import { Command, Option } from 'commander'
import type { Id } from '../database.ts'
import { JOB_STATUSES, type JobStatus, listJobs, unknownTypes } from '../queries/jobs.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { JOB_COLUMNS } from './job-view.ts'
import { integer, jobId, jsonOption } from './options.ts'
import { note, printJson, printTable } from './output.ts'

const DEFAULT_LIMIT = 20
/** Pages are for people and for loops; a whole table is for SQL. */
const MAX_LIMIT = 10_000

interface ListOptions extends DatabaseOptions {
  readonly status?: readonly JobStatus[]
  readonly type?: readonly string[]
  readonly owner?: string
  readonly limit: number
  readonly before?: Id
  readonly json?: boolean
}

export function listCommand(): Command {
  return databaseOptions(new Command('list'))
    .summary('list jobs, newest first')
    .description('Lists jobs, newest first, as jobtable.job_report has them.')
    .addOption(new Option('--status <status...>', 'only of these').choices(JOB_STATUSES))
    .option('--type <type...>', 'only of these')
    .option('--owner <name>', 'only of this owner')
    .option('--limit <n>', 'how many at most', integer(1, MAX_LIMIT), DEFAULT_LIMIT)
    .option('--before <id>', 'only jobs of a smaller id: the next page', jobId)
    .addOption(jsonOption('an array of jobs'))
    .action(async (options: ListOptions) => {
      const { status: statuses, type: types } = options
      const { jobs, unknown } = await withDatabase(options, 'list', async (database) => ({
        jobs: await listJobs(database, { ...options, statuses, types }),
        unknown: types === undefined ? [] : await unknownTypes(database, types),
      }))
      for (const type of unknown) note(`unknown job type "${type}"`)
      if (options.json === true) {
        printJson(jobs)
        return
      }
      if (jobs.length === 0) note('no jobs')
      else printTable(JOB_COLUMNS, jobs)
      if (jobs.length === options.limit) note(`older ones: --before ${jobs.at(-1)?.id}`)
    })
}
