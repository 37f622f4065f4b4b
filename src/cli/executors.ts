import { Option } from 'commander'
import { ExecutorError } from '../errors.ts'
import type { Executor } from '../executor.ts'
import { loadExecutors } from '../loader.ts'

/** The option that names the folders of executors. */
export function executorsOption(): Option {
  return new Option(
    '--executors <dir...>',
    'folders whose .ts and .js files are executors; may be repeated',
  ).makeOptionMandatory()
}

/** Loads the executors of all folders. Throws an ExecutorError if two define one type. */
export async function loadFolders(folders: readonly string[]): Promise<Executor[]> {
  const executors = new Map<string, { executor: Executor; folder: string }>()
  for (const folder of folders) {
    for (const executor of await loadExecutors(folder)) {
      const other = executors.get(executor.type)
      if (other !== undefined) {
        throw new ExecutorError(
          'executor_twice',
          `${folder}: type "${executor.type}" is defined in ${other.folder} already`,
        )
      }
      executors.set(executor.type, { executor, folder })
    }
  }
  return Array.from(executors.values(), ({ executor }) => executor)
}
