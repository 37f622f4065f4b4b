import { Command, Option } from 'commander'
import type { Pool } from 'pg'
import { type NewJob, noSuchJob, submit } from '../client.ts'
import { jobReport } from '../queries/jobs.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { duration, integer, jsonOption } from './options.ts'
import { note, print, printJson } from './output.ts'
import { jsonObject, payloadOf } from './payload.ts'
import { follow, requireCompleted } from './wait.ts'

interface SubmitOptions extends DatabaseOptions {
  readonly owner?: string
  readonly title?: string
  readonly priority?: number
  readonly runAt?: string
  readonly key?: string
  readonly paused?: boolean
  readonly properties?: Readonly<Record<string, unknown>>
  readonly wait?: boolean
  readonly timeout?: number
  readonly follow?: boolean
  readonly json?: boolean
}

export function submitCommand(): Command {
  return databaseOptions(new Command('submit'))
    .summary('insert a job')
    .description(
      'Inserts a job and prints its id. The payload is a JSON object, or key=value (text) and ' +
        'key:=value (JSON) in any number, or both.',
    )
    .argument('<type>', 'name of the executor')
    .argument('[payload...]', `'{"path": "a.txt"}', path=a.txt, lines:=3`)
    .option('--owner <name>', 'whose job it is (default: the database role)')
    .option('--title <text>', 'for people')
    .option(
      '--priority <n>',
      'smaller runs sooner (default: of the type)',
      integer(-32_768, 32_767),
    )
    .option(
      '--run-at <time>',
      'not before: 2030-01-31T08:00Z, or any time that PostgreSQL reads (default: now)',
    )
    .option('--key <text>', 'at most one unfinished job per owner, type and key')
    .option('--paused', 'hold it until paused is set to false')
    .option('--properties <json>', `for programs' own attributes (default: {})`, jsonObject)
    .option('--wait', 'wait until it is finished and print its result; exit code 1 if it failed')
    .addOption(
      new Option(
        '--timeout <seconds>',
        'how long to wait; exit code 124 after it (default: for ever)',
      ).argParser(duration),
    )
    .option('--follow', 'print its log lines meanwhile, on standard error; implies --wait')
    .addOption(jsonOption('the job'))
    .action(async (type: string, payload: string[], options: SubmitOptions) => {
      const job = { ...options, type, payload: payloadOf(payload) }
      await withDatabase(options, 'submit', (database) => run(database, job, options))
    })
}

async function run(database: Pool, job: NewJob, options: SubmitOptions): Promise<void> {
  const id = await submit(database, job)
  if (options.wait !== true && options.follow !== true) {
    if (options.json === true) printJson(await reportOf(database, id))
    else print(id)
    return
  }
  note(`job ${id} submitted`)
  const state = await follow(database, id, {
    logs: options.follow === true,
    timeoutSeconds: options.timeout,
  })
  if (options.json === true) printJson(await reportOf(database, id))
  else if (state.result !== null) printJson(state.result)
  requireCompleted(state)
}

async function reportOf(database: Pool, id: string): Promise<unknown> {
  const report = await jobReport(database, id)
  if (report === undefined) throw noSuchJob(id)
  return report
}
