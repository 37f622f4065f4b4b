import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { ConfigError, ExecutorError } from './errors.ts'
import type { Executor } from './executor.ts'
import { toExecutor } from './executor.ts'
import { fromClass, isJobExecutor } from './job-executor.ts'
import { installResolveHook } from './resolve.ts'

/** What a module of an executor exports, as far as it matters. */
const moduleSchema = z.object({ default: z.unknown().optional() })

/** Files that are executors: TypeScript or JavaScript, but declarations, tests and `_private` ones. */
const EXECUTOR_FILE = /^(?![._]).*(?<!\.d)(?<!\.test)(?<!\.spec)\.[mc]?[jt]s$/

/**
 * Loads every executor of a folder: the default export of each `.ts` or `.js` file in it, made by
 * defineExecutor or a class derived from JobExecutor. TypeScript runs unbuilt, as a module whatever
 * package.json says; `jobtable` is this copy of it, and `zod` its own where the folder has none.
 *
 * Throws a ConfigError if the folder cannot be read or holds no executor, and an ExecutorError that
 * names the file and the fault, or both files that define one type.
 */
export async function loadExecutors(folder: string): Promise<Executor[]> {
  const executors = new Map<string, { executor: Executor; file: string }>()
  for (const file of await executorFiles(folder)) {
    const executor = await loadExecutor(file)
    const other = executors.get(executor.type)
    if (other !== undefined) {
      throw new ExecutorError(
        'executor_twice',
        `${file}: type "${executor.type}" is defined by ${other.file} already`,
      )
    }
    executors.set(executor.type, { executor, file })
  }
  return Array.from(executors.values(), ({ executor }) => executor)
}

async function executorFiles(folder: string): Promise<string[]> {
  const path = resolve(folder)
  let names: string[]
  try {
    names = await readdir(path)
  } catch (cause) {
    throw new ConfigError(
      'executors_folder',
      `the folder of executors ${path} cannot be read: give another with --executors`,
      { cause },
    )
  }
  const files = names.filter((name) => EXECUTOR_FILE.test(name)).toSorted()
  if (files.length === 0) {
    throw new ConfigError(
      'executors_folder',
      `the folder ${path} holds no executor: add a .ts or .js file whose default export is defineExecutor({ … })`,
    )
  }
  return files.map((name) => join(path, name))
}

/** Loads the executor of one file. Throws an ExecutorError that names the file and the fault. */
export async function loadExecutor(file: string): Promise<Executor> {
  installResolveHook()
  let executor: unknown
  try {
    executor = moduleSchema.parse(await import(pathToFileURL(file).href)).default
  } catch (cause) {
    throw fault(file, `cannot be loaded: ${messageOf(cause)}`, cause)
  }
  if (executor === undefined) {
    throw fault(file, 'has no default export: export default defineExecutor({ … })')
  }
  try {
    const checked = isJobExecutor(executor) ? fromClass(executor) : toExecutor(executor)
    return { ...checked, file }
  } catch (cause) {
    throw fault(file, messageOf(cause), cause)
  }
}

function fault(file: string, text: string, cause?: unknown): ExecutorError {
  return new ExecutorError('executor_file', `${file}: ${text}`, { cause })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
