import { Command } from 'commander'
import type { Pool } from 'pg'
import { noSuchJob } from '../client.ts'
import type { Id } from '../database.ts'
import { jobAttempts, jobFacets, jobReport, lastLogs } from '../queries/jobs.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { type JobDossier, printJob } from './job-view.ts'
import { jobId, jsonOption } from './options.ts'
import { printJson } from './output.ts'

/** Log lines that are shown; `jobtable logs` prints all. */
const LAST_LOGS = 20

interface ShowOptions extends DatabaseOptions {
  readonly json?: boolean
}

export function showCommand(): Command {
  return databaseOptions(new Command('show'))
    .summary('show everything about a job')
    .description(
      'Shows everything about a job: its report, the attempts that did not succeed, its rows in ' +
        `your own facet tables, and its last ${LAST_LOGS} log lines.`,
    )
    .argument('<id>', 'the job', jobId)
    .addOption(jsonOption('one object: report, attempts, facets, logs'))
    .action(async (id: Id, options: ShowOptions) => {
      const job = await withDatabase(options, 'show', (database) => dossierOf(database, id))
      if (options.json === true) printJson(job)
      else printJob(job)
    })
}

async function dossierOf(database: Pool, id: Id): Promise<JobDossier> {
  const report = await jobReport(database, id)
  if (report === undefined) throw noSuchJob(id)
  return {
    report,
    attempts: await jobAttempts(database, id),
    facets: await jobFacets(database, id),
    logs: await lastLogs(database, id, LAST_LOGS),
  }
}
