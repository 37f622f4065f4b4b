import { Command, Option } from 'commander'
import { type MigrateResult, migrate, plan, renderSql } from '../migrate.ts'
import { connect, type DatabaseOptions, databaseOptions, locateDatabase } from './connect.ts'
import { jsonOption } from './options.ts'
import { note, print, printJson } from './output.ts'

interface MigrateCommandOptions extends DatabaseOptions {
  readonly dryRun?: boolean
  readonly sql?: boolean
  readonly json?: boolean
}

export function migrateCommand(): Command {
  return databaseOptions(new Command('migrate'))
    .summary('install jobtable in a database, or bring it up to date')
    .description(
      'Installs jobtable in a database, or brings it up to date, in one transaction. Running it ' +
        'again, or many times at once, does no harm. The role needs CREATE on the database.',
    )
    .option('--dry-run', 'only print the steps that would be taken')
    .addOption(
      new Option('--sql', 'only print the SQL that would be run, for psql').conflicts([
        'dryRun',
        'json',
      ]),
    )
    .addOption(jsonOption('what was done'))
    .action(async (options: MigrateCommandOptions) => {
      if (options.sql === true) await printSql(options)
      else await run(options)
    })
}

async function printSql(options: DatabaseOptions): Promise<void> {
  const client = await connect(await locateDatabase(options), 'migrate')
  try {
    const { notices, obstacle, ...rest } = await plan(client)
    for (const notice of notices) note(notice)
    if (obstacle !== null) note(`this role could not run it: ${obstacle.message}`)
    process.stdout.write(renderSql({ ...rest, notices, obstacle }))
  } finally {
    await client.end()
  }
}

async function run(options: MigrateCommandOptions): Promise<void> {
  const dryRun = options.dryRun === true
  const source = await locateDatabase(options)
  // Told by name if it cannot be reached; the migration makes its own session.
  await (await connect(source, 'migrate')).end()
  const result = await migrate({
    connectionString: source.connectionString,
    dryRun,
    onNotice: note,
    onStep: ({ name }) => {
      if (name.startsWith('migrations/')) note(name)
    },
  })
  if (options.json === true) printJson(result)
  else tell(result, dryRun)
}

function tell({ message, steps }: MigrateResult, dryRun: boolean): void {
  if (dryRun) for (const step of steps) print(step)
  note(message)
}
