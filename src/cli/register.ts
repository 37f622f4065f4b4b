import { Command } from 'commander'
import { requireSchema } from '../migrate.ts'
import { register, UNSETTLED } from '../registry.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { executorsOption, loadFolders } from './executors.ts'
import { jsonOption } from './options.ts'
import { note, printJson } from './output.ts'

interface RegisterOptions extends DatabaseOptions {
  readonly executors: readonly string[]
  readonly json?: boolean
}

export function registerCommand(): Command {
  return databaseOptions(new Command('register'))
    .summary("make executors' types known, without a worker")
    .description(
      'Makes the types of executors known to the database, so that jobs of them can be inserted ' +
        'before the first worker runs.',
    )
    .addOption(executorsOption())
    .addOption(jsonOption('the names of the types'))
    .action(async (options: RegisterOptions) => {
      const executors = await loadFolders(options.executors)
      const types = await withDatabase(options, 'register', async (database) => {
        await requireSchema(database)
        return await register(database, executors, (type, defaults) =>
          note(`${type}: ${UNSETTLED} (${defaults.join(', ')})`),
        )
      })
      const names = types.map((type) => type.name)
      if (options.json === true) printJson(names)
      else for (const name of names) note(`registered ${name}`)
    })
}
