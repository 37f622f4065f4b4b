import type { Id } from './database.ts'
import { ExecutorError } from './errors.ts'
import type { Context, Executor } from './executor.ts'
import { toExecutor } from './executor.ts'
import type { Logger } from './log.ts'

/**
 * The class form of an executor, for people who know REX.JOB: a `name`, and `execute` with the job's
 * code, owner and payload. Each job gets an instance of its own.
 *
 * ```ts
 * export default class CountWords extends JobExecutor {
 *   override readonly name = 'count_words'
 *   override async execute(code: string, owner: string, payload: Payload) {
 *     this.logger.info('counting')
 *     await this.updateFacet('count_words', code, { words: 7 })
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what a subclass says its payload is
export abstract class JobExecutor<P = Readonly<Record<string, unknown>>> {
  #context: Context<unknown> | undefined

  /** jobtable.job.type: the jobs that it runs. */
  abstract readonly name: string

  /** Runs one job. `code` is the job's id. */
  abstract execute(code: Id, owner: string, payload: P): unknown

  /** Writes lines to `jobtable.job_log` and to the worker's own log. */
  protected get logger(): Logger {
    return this.context.log
  }

  /** Everything that the function form has: signal, progress, transaction. */
  protected get context(): Context<unknown> {
    if (this.#context === undefined) {
      throw new ExecutorError('executor_invalid', `executor "${this.name}": no job is running yet`)
    }
    return this.#context
  }

  /** Writes columns of the job's row in a facet table; see Context.facet. */
  protected async updateFacet(
    facet: string,
    code: Id,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    if (code !== this.context.job.id) {
      throw new ExecutorError(
        'executor_invalid',
        `executor "${this.name}": job ${this.context.job.id} cannot write a facet of job ${code}`,
      )
    }
    await this.context.facet(facet, fields)
  }

  /** @internal Runs `execute` on a fresh instance. */
  static async run(
    Class: new () => JobExecutor<unknown>,
    context: Context<unknown>,
  ): Promise<unknown> {
    const instance = new Class()
    instance.#context = context
    return instance.execute(context.job.id, context.job.owner, context.payload)
  }
}

/** Whether a value is a class derived from JobExecutor. */
export function isJobExecutor(value: unknown): value is new () => JobExecutor<unknown> {
  return typeof value === 'function' && value.prototype instanceof JobExecutor
}

/** A class as the worker runs it. */
export function fromClass(Class: new () => JobExecutor<unknown>): Executor {
  const { name } = new Class()
  return toExecutor({
    type: name,
    execute: (context: Context<unknown>) => JobExecutor.run(Class, context),
  })
}
