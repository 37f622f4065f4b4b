import { Command } from 'commander'
import { version } from '../version.ts'
import { cancelCommand } from './cancel.ts'
import { databaseOptions } from './connect.ts'
import { EXIT_CODES_HELP } from './exit.ts'
import { listCommand } from './list.ts'
import { logsCommand } from './logs.ts'
import { migrateCommand } from './migrate.ts'
import { registerCommand } from './register.ts'
import { resubmitCommand } from './resubmit.ts'
import { showCommand } from './show.ts'
import { submitCommand } from './submit.ts'
import { workerCommand } from './worker.ts'

/** The command line as a whole. Its errors are thrown, never handled by ending the process. */
export function buildProgram(): Command {
  const program = databaseOptions(new Command('jobtable'))
    .description('A job queue for PostgreSQL whose whole API is a table.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .enablePositionalOptions()
    .showHelpAfterError('Run with --help for the options.')
    .exitOverride()
    .addHelpText('after', EXIT_CODES_HELP)
  const commands = [
    migrateCommand(),
    registerCommand(),
    workerCommand(),
    submitCommand(),
    listCommand(),
    showCommand(),
    logsCommand(),
    cancelCommand(),
    resubmitCommand(),
  ]
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program))
  return program
}
