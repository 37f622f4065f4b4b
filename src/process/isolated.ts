import { ExecutorError } from '../errors.ts'
import type { Context, Executor } from '../executor.ts'
import { RunningJob } from '../running-job.ts'
import { JobProcess } from './job-process.ts'

/**
 * An executor as the worker runs it: one of isolation `process` as another that starts a process for
 * each attempt and ends as that does. What goes in and out is checked there, by the executor's own
 * schemas.
 *
 * Throws an ExecutorError for one that was not loaded from a file: a process of its own could not.
 */
export function isolated(executor: Executor, connectionString: string | undefined): Executor {
  if (executor.isolation === 'none') return executor
  const { type, file, memoryMb } = executor
  if (file === undefined) {
    throw new ExecutorError(
      'executor_file',
      `executor "${type}": isolation 'process' needs a file of its own: load it with loadExecutors`,
    )
  }
  return {
    ...executor,
    payload: undefined,
    facets: undefined,
    execute: async (context: Context<unknown>): Promise<unknown> => {
      if (!(context instanceof RunningJob)) throw new TypeError('only a worker starts a process')
      return await new JobProcess(context, { file, memoryMb, connectionString }).run()
    },
  }
}
