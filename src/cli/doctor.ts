import { Command } from 'commander'
import type { Pool } from 'pg'
import { findConnection } from '../config.ts'
import { codeOf, NOT_PERMITTED } from '../errors.ts'
import { MigrateError } from '../migrate.ts'
import {
  type DatabaseOptions,
  databaseOptions,
  describeDatabase,
  locateDatabase,
  withDatabase,
} from './connect.ts'
import { type Finding, type Verdict, warning } from './doctor/finding.ts'
import { checkOwners } from './doctor/owners.ts'
import { checkHeldJobs, checkOddities, checkTypes, checkWorkers } from './doctor/queue.ts'
import { checkSchema } from './doctor/schema.ts'
import { checkAutovacuum, checkSnapshots } from './doctor/vacuum.ts'
import { checkWakeUp } from './doctor/wake-up.ts'
import { messageOf } from './errors.ts'
import { EXIT } from './exit.ts'
import { duration, jsonOption } from './options.ts'
import { harmless, note, paint, print, printJson } from './output.ts'

/** A transaction this old holds back vacuum for longer than any job queue should need. */
const SNAPSHOT_SECONDS = 300

const REMEDY = "run doctor as an operator or admin (docs/owners.md), or as the tables' owner"

interface DoctorOptions extends DatabaseOptions {
  readonly listenUrl?: string
  readonly snapshotAge: number
  readonly json?: boolean
}

export function doctorCommand(): Command {
  return databaseOptions(new Command('doctor'))
    .summary('find what is wrong with the queue')
    .description(
      'Looks for what keeps the queue from working, and names the remedy. Exit code 1 if it finds a ' +
        'fault; warnings are none.',
    )
    .option('--listen-url <url>', 'where workers listen (default: the database)')
    .option(
      '--snapshot-age <seconds>',
      'a transaction open for longer is a fault',
      duration,
      SNAPSHOT_SECONDS,
    )
    .addOption(jsonOption('an array of {"check", "verdict", "fact", "remedy"}'))
    .action(async (options: DoctorOptions) => {
      const findings = await withDatabase(options, 'doctor', (database) =>
        examine(database, options),
      )
      if (options.json === true) printJson(findings)
      else show(findings, describeDatabase(await locateDatabase(options)))
      if (findings.some(({ verdict }) => verdict === 'fault')) process.exitCode = EXIT.failure
    })
}

async function examine(database: Pool, options: DoctorOptions): Promise<readonly Finding[]> {
  const listenAt = findConnection(options.listenUrl) ?? (await locateDatabase(options))
  const schema = await permitted('schema', checkSchema(database))
  const broken = schema.some(({ verdict }) => verdict === 'fault')
  return [
    ...schema,
    ...(broken ? [] : await examineQueue(database)),
    ...(await checkWakeUp(database, listenAt)),
    ...(await checkSnapshots(database, options.snapshotAge)),
    ...(await checkAutovacuum(database)),
  ]
}

async function examineQueue(database: Pool): Promise<readonly Finding[]> {
  return [
    ...(await permitted('live_worker', checkWorkers(database))),
    ...(await permitted('types', checkTypes(database))),
    ...(await permitted('held_jobs', checkHeldJobs(database))),
    ...(await permitted('clock', checkOddities(database))),
    ...(await permitted('owners', checkOwners(database))),
  ]
}

/** What a check finds, or that the role may not look. */
async function permitted(
  check: string,
  looking: Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await looking
  } catch (error) {
    const denied = error instanceof MigrateError ? error.cause : error
    if (codeOf(denied) !== NOT_PERMITTED) throw error
    return [warning(check, `"${check}" cannot be checked: ${messageOf(denied)}`, REMEDY)]
  }
}

const MARKS: Readonly<Record<Verdict, readonly ['green' | 'yellow' | 'red', string]>> = {
  ok: ['green', 'ok     '],
  warning: ['yellow', 'warning'],
  fault: ['red', 'FAULT  '],
}

function show(findings: readonly Finding[], database: string): void {
  note(database)
  for (const { verdict, fact, remedy } of findings) {
    const [style, mark] = MARKS[verdict]
    print(`${paint(style, mark)}  ${harmless(fact)}`)
    if (remedy !== null) print(`         → ${harmless(remedy)}`)
  }
}
