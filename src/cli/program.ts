import { Command } from 'commander'
import { version } from '../version.ts'
import { cancelCommand } from './cancel.ts'
import { databaseOptions } from './connect.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { UsageError } from './errors.ts'
import { EXIT_CODES_HELP } from './exit.ts'
import { listCommand } from './list.ts'
import { logsCommand } from './logs.ts'
import { migrateCommand } from './migrate.ts'
import { registerCommand } from './register.ts'
import { reportCommand } from './report.ts'
import { resubmitCommand } from './resubmit.ts'
import { showCommand } from './show.ts'
import { sqlCommand } from './sql.ts'
import { statusCommand } from './status.ts'
import { submitCommand } from './submit.ts'
import { upCommand } from './up.ts'
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
    upCommand(),
    migrateCommand(),
    registerCommand(),
    workerCommand(),
    submitCommand(),
    listCommand(),
    showCommand(),
    logsCommand(),
    reportCommand(),
    cancelCommand(),
    resubmitCommand(),
    statusCommand(),
    doctorCommand(),
    sqlCommand(),
    demoCommand(),
  ]
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program))
  program.hook('preAction', handDown)
  return program
}

/** Options given before the command's name are the command's, as it reads them, if it has no others. */
function handDown(program: Command, command: Command): void {
  for (const [name, value] of Object.entries(program.opts<Record<string, string>>())) {
    const option = command.options.find((its) => its.attributeName() === name)
    if (option === undefined) {
      throw new UsageError(`"${command.name()}" has no option for that: ${name}`, 'See its --help.')
    }
    if (command.getOptionValueSource(name) !== 'cli') {
      const own = option.parseArg?.<unknown>(value, undefined) ?? value
      command.setOptionValueWithSource(name, own, 'cli')
    }
  }
}
