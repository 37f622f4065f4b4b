import type { ClientBase } from 'pg'
import { z } from 'zod'
import type { Id } from './database.ts'
import { ExecutorError, type JobtableError } from './errors.ts'
import type { Logger } from './log.ts'
import {
  faultsOf,
  type InputOf,
  isStandardSchema,
  type OutputOf,
  type StandardSchema,
} from './standard-schema.ts'
import type { JobInsert } from './types/job.ts'

/** The job that an executor runs. */
export interface Job {
  /** jobtable.job.id: a bigint as decimal text. */
  readonly id: Id
  readonly type: string
  readonly owner: string
  readonly title: string | null
  readonly properties: Readonly<Record<string, unknown>>
  /** Null: the type's priority. */
  readonly priority: number | null
  readonly key: string | null
  /** 1 for the first attempt. Goes on counting when a job is resubmitted. */
  readonly attempt: number
  readonly createdAt: Date
  /** Not before this time. */
  readonly runAt: Date
  readonly startedAt: Date
}

/** How far a job is. What is left out stays as it stands. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction?: number
  /** The name of the present stage. */
  readonly stage?: string
  /** One line for people. */
  readonly message?: string
}

/** A transaction's client: statements only, no COMMIT and no release. */
export type Transaction = Pick<ClientBase, 'query'>

/** Facets that an executor declares: name to the shape of its columns. */
export type FacetShapes = Readonly<Record<string, z.ZodObject>>

/** Columns of one facet; any when the executor declares none. */
type FieldsOf<F extends FacetShapes, K extends keyof F> = Partial<z.input<F[K]>>

type FacetWriter<F extends FacetShapes> = string extends keyof F
  ? (name: string, fields: Readonly<Record<string, unknown>>) => Promise<void>
  : <K extends keyof F & string>(name: K, fields: FieldsOf<F, K>) => Promise<void>

/** What `execute` receives. Every member may be taken out of it by destructuring. */
export interface Context<
  P = Readonly<Record<string, unknown>>,
  F extends FacetShapes = FacetShapes,
> {
  readonly job: Job
  /** The job's payload, checked and as the executor's schema gives it out. */
  readonly payload: P
  /**
   * Fires when the executor must stop: its `reason` is a CancelledError, TimeoutError, ShutdownError
   * or LeaseLostError. Whatever error the executor ends with after that, the attempt is cancelled,
   * timed out or given back, and not failed.
   */
  readonly signal: AbortSignal
  /**
   * Tells how far the job is: a fraction from 0 to 1, or any of fraction, stage and message. Costs
   * nothing when called often: the last value within 100 ms is written, and always the final one.
   * Throws RangeError for a fraction outside 0 to 1.
   */
  readonly progress: (update: number | Progress) => void
  /**
   * Writes columns of the job's row in a facet table (`name`, `schema.name`), inserting it if it is
   * not there. Calls that come while a write is on its way are merged into one. Rejects with a
   * RefusedError (JT012 no such facet, JT013 no such column or wrong type); a write that nobody
   * awaits and that fails, fails the job. Inside `transaction` it is a part of that.
   */
  readonly facet: FacetWriter<F>
  /** Writes lines to `jobtable.job_log` and to the worker's own log. */
  readonly log: Logger
  /**
   * Runs `work` in a transaction whose last statement completes the job: the executor's writes and
   * the completion are committed together, or neither is. What `work` returns is the job's result.
   * Once per attempt. Rejects, and nothing is committed, if the lease was lost (LeaseLostError) or a
   * client has asked the job to stop (CancelledError).
   */
  readonly transaction: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>
}

/** Why an attempt is to end, and what its clean-up may need. */
export interface Abort<P = Readonly<Record<string, unknown>>> {
  /** A CancelledError, TimeoutError, ShutdownError or LeaseLostError. */
  readonly reason: JobtableError
  readonly job: Job
  readonly payload: P
  readonly log: Logger
}

/** How long a job rests after an attempt that failed, timed out or was lost. */
export interface BackoffDefinition {
  /** Whether the delay doubles with each attempt. Default exponential. */
  readonly kind?: 'fixed' | 'exponential'
  /** After the first attempt, as PostgreSQL writes an interval. Default 5 seconds. */
  readonly delay?: string
  /** The longest. Default 1 hour. */
  readonly limit?: string
  /** A random share by which it is longer or shorter, from 0 to 1. Default 0.1. */
  readonly jitter?: number
}

/** How long something is kept, as PostgreSQL writes an interval ('3 days'); null: for ever. */
export type Retention = string | null

/** Where an executor runs: in the worker's process, or in one of its own for each attempt. */
export type Isolation = 'none' | 'process'

/** What an executor is made of. */
export interface ExecutorDefinition<P extends StandardSchema, F extends FacetShapes, R> {
  /** jobtable.job.type: the jobs that it runs. At most 200 bytes. */
  readonly type: string
  readonly description?: string
  /**
   * The shape of the payload: a schema of zod, or of any library that keeps to Standard Schema. What
   * it exports as JSON Schema is checked by the database at INSERT. Default: any object.
   */
  readonly payload?: P
  /** The facet tables that it writes, with their columns. Default: any. */
  readonly facets?: F
  /**
   * SQL that makes what the executor needs in the database, such as its facet table. Runs whenever
   * the type is registered, by every worker's start, in a transaction of its own and never twice at
   * a time: `create table if not exists …` suffices. Default: none.
   */
  readonly setup?: string
  /** Priority of jobs that name none; smaller runs sooner. Default 0. */
  readonly priority?: number
  /**
   * Attempts before a job is failed; a job may say otherwise. An attempt that ends because its worker
   * stops, or by Snooze, does not count. Default 1.
   */
  readonly maxAttempts?: number
  /**
   * The longest run of one attempt, as PostgreSQL writes an interval ('10 minutes'); a job may say
   * otherwise. Then the signal fires, and what has not ended within the worker's `abortGraceMs` is
   * given up. Default: none.
   */
  readonly timeout?: string | null
  /** How long a job rests between attempts. RetryAfter and PermanentFailure say otherwise. */
  readonly backoff?: BackoffDefinition
  /**
   * Called once when the attempt's signal fires, beside the executor: to stop what only it knows of.
   * The attempt's outcome waits for it, as long as for the executor itself. Default: nothing.
   */
  onAbort?(abort: Abort<z.output<P>>): Promise<void> | void
  /** At most so many at once in one worker process. Default: as many as the worker runs. */
  readonly concurrency?: number
  /** How long completed and cancelled jobs are kept. Default 3 days. */
  readonly retention?: Retention
  /** How long failed jobs are kept. Default: as `retention`. */
  readonly failedRetention?: Retention
  /**
   * `process`: each attempt runs in a process of its own, which can be ended by force, and with it
   * everything that it has started; it costs the start of a process. Only for an executor that is
   * the default export of a file. Default `none`: in the worker's process.
   */
  readonly isolation?: Isolation
  /**
   * How much memory the process of an attempt may use, in megabytes of 1,048,576 bytes; what uses
   * more is killed, and the attempt has failed. At least 128, since Node itself takes most of that;
   * programs that the executor starts are not counted. Only with isolation `process`. Default: no
   * limit.
   */
  readonly memoryMb?: number
  /** Runs one job. What it returns, if anything, is kept in `jobtable.job_result` as JSON. */
  execute(context: Context<OutputOf<P>, F>): Promise<R> | R
}

/** An executor in the one form that a worker runs. Made by defineExecutor, or from a JobExecutor. */
export interface Executor {
  readonly type: string
  readonly description: string | undefined
  readonly payload: StandardSchema | undefined
  readonly facets: FacetShapes | undefined
  readonly setup: string | undefined
  readonly priority: number
  readonly maxAttempts: number
  readonly timeout: string | null
  readonly backoff: Required<BackoffDefinition>
  readonly concurrency: number
  readonly retention: Retention
  readonly failedRetention: Retention
  readonly isolation: Isolation
  readonly memoryMb: number | undefined
  /** Where it was loaded from, which a process of its own needs; absent: it was not loaded. */
  readonly file?: string
  execute(context: Context<unknown>): unknown
  readonly onAbort: ((abort: Abort<unknown>) => unknown) | undefined
}

/** The columns of a job beside its type and payload. */
export type RowOptions = Omit<JobInsert, 'type' | 'payload'> & {
  readonly type?: never
  readonly payload?: never
}

/** An executor that knows the rows of its jobs. */
export interface DefinedExecutor<P extends StandardSchema> extends Executor {
  /**
   * A row of jobtable.job, for the INSERT of any library. The payload is what the schema takes in; the
   * database and the worker check it.
   */
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- a row without options has no more
  row<const O extends RowOptions = Record<never, never>>(
    payload: InputOf<P>,
    options?: O & Readonly<Record<Exclude<keyof O, keyof RowOptions>, never>>,
  ): { readonly type: string; readonly payload: InputOf<P> } & O
}

/** Completed and cancelled jobs are kept for 3 days, as REX.JOB did. */
export const DEFAULT_RETENTION = '3 days'

/** A failed attempt is followed by another after 5 s, then 10 s, 20 s … up to an hour, each ± 10 %. */
const backoffSchema = z.strictObject({
  kind: z.enum(['fixed', 'exponential']).default('exponential'),
  delay: z.string().min(1).default('5 seconds'),
  limit: z.string().min(1).default('1 hour'),
  jitter: z.number().min(0).max(1).default(0.1),
})

/** The most jobs that a worker, or a type in it, runs at once. */
export const MAX_CONCURRENCY = 100_000

/** What Node and this package take by themselves leaves little of less. */
const MIN_MEMORY_MB = 128

/** More than any machine has. */
const MAX_MEMORY_MB = 2 ** 30

/** The longest name of a job type, in bytes. */
const MAX_TYPE_BYTES = 200

const definitionSchema = z
  .strictObject({
    type: z
      .string()
      .refine((type) => type.trim() !== '', 'must not be blank')
      .refine((type) => Buffer.byteLength(type) <= MAX_TYPE_BYTES, 'must not exceed 200 bytes'),
    description: z.string().optional(),
    payload: z.custom<StandardSchema>(isStandardSchema, { error: 'must be a schema' }).optional(),
    facets: z
      .record(z.string(), z.instanceof(z.ZodObject, { error: 'must be a z.object' }))
      .optional(),
    setup: z.string().min(1).optional(),
    priority: z.int().min(-32768).max(32767).default(0),
    maxAttempts: z.int().min(1).max(32767).default(1),
    timeout: z.string().min(1).nullable().default(null),
    backoff: backoffSchema.prefault({}),
    onAbort: z
      .custom<(abort: Abort<unknown>) => unknown>((value) => typeof value === 'function', {
        error: 'must be a function',
      })
      .optional(),
    concurrency: z.int().min(1).max(MAX_CONCURRENCY).default(MAX_CONCURRENCY),
    retention: z.string().min(1).nullable().default(DEFAULT_RETENTION),
    failedRetention: z.string().min(1).nullable().optional(),
    isolation: z.enum(['none', 'process']).default('none'),
    memoryMb: z.int().min(MIN_MEMORY_MB).max(MAX_MEMORY_MB).optional(),
    execute: z.custom<(context: Context<unknown>) => unknown>(
      (value) => typeof value === 'function',
      {
        error: 'must be a function',
      },
    ),
    // What defineExecutor has made is loaded like any other definition.
    row: z.unknown().optional(),
  })
  .refine(({ isolation, memoryMb }) => memoryMb === undefined || isolation === 'process', {
    path: ['memoryMb'],
    error: "can be limited only with isolation: 'process'",
  })

/**
 * Defines the executor of one job type. Export it as the default of a file in the folder that
 * `jobtable worker --executors` loads. Throws an ExecutorError that names every fault.
 */
export function defineExecutor<
  const P extends StandardSchema = StandardSchema<unknown, Readonly<Record<string, unknown>>>,
  const F extends FacetShapes = FacetShapes,
  R = unknown,
>(definition: ExecutorDefinition<P, F, R>): DefinedExecutor<P> {
  const executor = toExecutor(definition)
  return {
    ...executor,
    row: (payload, options) => Object.assign({}, options, { type: executor.type, payload }),
  }
}

/** Checks a definition of unknown origin and gives it the form that a worker runs. */
export function toExecutor(definition: unknown): Executor {
  const parsed = definitionSchema.safeParse(definition)
  if (!parsed.success) {
    const type = typeOf(definition)
    throw new ExecutorError(
      'executor_invalid',
      `executor${type === undefined ? '' : ` "${type}"`}: ${faultsOf(parsed.error.issues)}`,
    )
  }
  const {
    row: _,
    execute,
    onAbort,
    description,
    payload,
    facets,
    setup,
    failedRetention,
    memoryMb,
    ...rest
  } = parsed.data
  return {
    ...rest,
    description,
    payload,
    facets,
    setup,
    failedRetention: failedRetention === undefined ? rest.retention : failedRetention,
    memoryMb,
    execute: (context) => execute.call(definition, context),
    onAbort: onAbort?.bind(definition),
  }
}

function typeOf(definition: unknown): string | undefined {
  if (typeof definition !== 'object' || definition === null || !('type' in definition))
    return undefined
  return typeof definition.type === 'string' ? definition.type : undefined
}
