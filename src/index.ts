export {
  cancel,
  type JobState,
  type JobStatus,
  type NewJob,
  resubmit,
  submit,
  type WaitOptions,
  waitFor,
} from './client.ts'
export type { Database, Id } from './database.ts'
export {
  CancelledError,
  ConfigError,
  ExecutorError,
  JobtableError,
  LeaseLostError,
  PayloadError,
  PermanentFailure,
  ProcessError,
  RefusedError,
  RetryAfter,
  ShutdownError,
  Snooze,
  type SqlState,
  sqlStates,
  TimeoutError,
} from './errors.ts'
export type { WorkerEvents } from './events.ts'
export {
  type Abort,
  type BackoffDefinition,
  type Context,
  type DefinedExecutor,
  defineExecutor,
  type Executor,
  type ExecutorDefinition,
  type Job,
  type Progress,
  type Retention,
  type RowOptions,
  type Transaction,
} from './executor.ts'
export { JobExecutor } from './job-executor.ts'
export { loadExecutors } from './loader.ts'
export type { Logger } from './log.ts'
export { migrate } from './migrate.ts'
export { defineSqlExecutor, type SqlExecutorDefinition } from './sql-executor.ts'
export type { Interval } from './types/interval.ts'
export type { JobInsert, JobRow, JobUpdate } from './types/job.ts'
export { DEFAULT_CONCURRENCY, Worker, type WorkerOptions } from './worker.ts'
