import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'pg'
import { z } from 'zod'
import { MAX_TIMER_MS } from './alarm.ts'
import { addressOf, type Id } from './database.ts'
import { Dispatcher } from './dispatcher.ts'
import { ConfigError, ExecutorError, ShutdownError } from './errors.ts'
import { Events } from './events.ts'
import { type Executor, MAX_CONCURRENCY } from './executor.ts'
import { FacetWriter } from './facet.ts'
import { HEARTBEAT_MS, Heartbeat, LEASE_HEARTBEATS } from './heartbeat.ts'
import type { Logger } from './log.ts'
import { silent } from './log.ts'
import { Maintenance, PURGE_INTERVAL_MS } from './maintenance.ts'
import { checkSchema } from './migrate.ts'
import { Notifier } from './notifier.ts'
import { PooledClient } from './pooled-client.ts'
import { CONNECT_TIMEOUT_MS, Pools } from './pools.ts'
import { isolated } from './process/isolated.ts'
import type { HandedJob } from './queries/tick.ts'
import { notify, startWorker, stopWorker, type WorkerRow } from './queries/worker.ts'
import { register } from './registry.ts'
import { type JobTools, RunningJob } from './running-job.ts'
import type { Service } from './service.ts'
import { Tally } from './tally.ts'
import { Understudy } from './understudy.ts'
import { version } from './version.ts'

/** Jobs that a worker runs at once. Executors mostly wait; those that compute want a limit by type. */
export const DEFAULT_CONCURRENCY = 10
/** While wake-ups arrive, the queue is looked at this often all the same, in milliseconds. */
export const DEFAULT_POLL_MS = 5_000
/** While they do not, this often: the worst latency behind a pooler, for one small query a second. */
const DEAF_POLL_MS = 1_000
/** How long running jobs may go on after a stop before their signal fires, in milliseconds. */
export const DEFAULT_GRACE_MS = 30_000
/** How long an executor may take to end once its signal has fired, in milliseconds. */
export const DEFAULT_ABORT_GRACE_MS = 5_000
/** How long a stopping worker tries to write its outcomes while the database is away. */
const FLUSH_MS = 30_000

export interface WorkerOptions {
  /** Where the database is; the environment's PG* variables by default. */
  readonly connectionString?: string | undefined
  /**
   * Where to LISTEN, if not there: behind a pooler in transaction mode notifications do not arrive.
   * null: do not listen at all.
   */
  readonly listenConnectionString?: string | null | undefined
  readonly executors: readonly Executor[]
  /** Jobs that this worker runs at once. Default 10. */
  readonly concurrency?: number | undefined
  /**
   * Jobs taken ahead into this process's own queue, with status queued, by looks that find more of
   * them than there are free slots. Default 0: a tick that writes an outcome claims the next job
   * anyway, so that this gains nothing but for very slow networks, and what is taken cannot run
   * elsewhere meanwhile.
   */
  readonly prefetch?: number | undefined
  /** How often to look for jobs although no wake-up came, in milliseconds. Default 5,000. */
  readonly pollMs?: number | undefined
  /** How long `stop` lets running jobs go on, in milliseconds. Default 30,000. */
  readonly graceMs?: number | undefined
  /** How long an executor may take to end once its signal has fired, in ms. Default 5,000. */
  readonly abortGraceMs?: number | undefined
  /**
   * How often the worker shows that it lives, in milliseconds. When it has missed three of these, others
   * run its jobs. Default 2,000.
   */
  readonly heartbeatMs?: number | undefined
  /** How often to remove finished jobs whose retention is over, in milliseconds. Default 60,000. */
  readonly purgeMs?: number | undefined
  readonly log?: Logger | undefined
}

const optionsSchema = z.object({
  executors: z.array(z.custom<Executor>()).min(1, 'a worker needs at least one executor'),
  concurrency: z.int().min(1).max(MAX_CONCURRENCY).default(DEFAULT_CONCURRENCY),
  prefetch: z.int().min(0).max(MAX_CONCURRENCY).default(0),
  pollMs: z.number().positive().default(DEFAULT_POLL_MS),
  graceMs: z.number().min(0).default(DEFAULT_GRACE_MS),
  abortGraceMs: z.number().min(0).default(DEFAULT_ABORT_GRACE_MS),
  heartbeatMs: z.int().positive().default(HEARTBEAT_MS),
  purgeMs: z.number().positive().default(PURGE_INTERVAL_MS),
})

/**
 * Runs jobs of the types whose executors it has, until it is stopped. Everything that can pass, it
 * survives: see the events `trouble` and `recovered`.
 */
export class Worker implements AsyncDisposable {
  readonly events: Events = new Events()
  readonly #options: WorkerOptions & z.output<typeof optionsSchema>
  /** As a job runs them: those of isolation `process` start a process for it. */
  readonly #executors: ReadonlyMap<string, Executor>
  readonly #log: Logger
  readonly #pools: Pools
  #parts: Parts | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  readonly #hurry = new AbortController()

  constructor(options: WorkerOptions) {
    const parsed = optionsSchema.safeParse(options)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw new ConfigError(
        'worker_options',
        `worker option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
      )
    }
    this.#options = { ...options, ...parsed.data }
    const { connectionString } = options
    this.#executors = byType(options.executors.map((one) => isolated(one, connectionString)))
    this.#log = options.log ?? silent
    this.#pools = new Pools({
      connectionString,
      heartbeatMs: this.#options.heartbeatMs,
      onTrouble: (error) => this.events.emit('trouble', error),
    })
  }

  /** The worker's number in jobtable.worker, once it has started. */
  get id(): Id | undefined {
    return this.#parts?.id
  }

  /**
   * Registers the executors' types and begins to run jobs. Rejects if the database cannot be reached
   * or its schema does not fit this version.
   */
  async start(): Promise<void> {
    this.#starting ??= this.#startUp()
    await this.#starting
  }

  async #startUp(): Promise<void> {
    try {
      await requireSchema(this.#pools.ticks)
      const types = await register(
        this.#pools.ticks,
        [...this.#executors.values()],
        (type, defaults) => this.events.emit('unsettled', type, defaults),
      )
      const { concurrency, heartbeatMs } = this.#options
      const row: WorkerRow = {
        host: hostname(),
        pid: process.pid,
        version,
        types: types.map((type) => type.name),
        limits: types.map((type) => type.concurrency),
        capacity: concurrency,
        heartbeatMs,
        leaseMs: heartbeatMs * LEASE_HEARTBEATS,
      }
      const id = await startWorker(this.#pools.ticks, row)
      this.#parts = this.#build(id, row, types)
    } catch (error) {
      await this.#pools.close()
      throw error
    }
    const { facets, dispatcher, heartbeat, others } = this.#parts
    // Its answer holds the types' timeouts, which the first job may need.
    await heartbeat.beat()
    for (const service of [facets, dispatcher, heartbeat, ...others]) await service.start()
    this.events.emit('started', this.#parts.id)
  }

  /**
   * Stops gracefully: claims nothing more, gives back what has not begun, lets running jobs go on for
   * the grace period, then fires their signals. An attempt that ends thereby is not counted. A second
   * call fires the signals at once. Resolves when everything is written and closed.
   */
  stop(): Promise<void> {
    if (this.#stopping !== undefined) this.#hurry.abort()
    this.#stopping ??= this.#shutDown()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Looks for jobs at once. */
  wake(): void {
    this.#parts?.dispatcher.wake()
  }

  #build(id: Id, row: WorkerRow, types: Awaited<ReturnType<typeof register>>): Parts {
    const { events } = this
    const options = this.#options
    const facets = new FacetWriter(this.#pools.facets, this.#pools.telling, () => {
      dispatcher.wake()
    })
    const tools: JobTools = {
      pool: this.#pools.transactions,
      facets,
      log: this.#log,
      abortGraceMs: options.abortGraceMs,
      timeoutMs: (type) => heartbeat.timeoutMs(type),
      overdueAt: (at) => understudy.expect(at),
    }
    let notifier: Notifier | undefined
    const dispatcher = new Dispatcher({
      database: this.#pools.ticks,
      worker: id,
      types,
      concurrency: options.concurrency,
      prefetch: options.prefetch,
      pollMs: () => {
        const deaf = notifier?.listening === true ? Infinity : DEAF_POLL_MS
        // With jitter, so that idle workers do not look in step.
        return Math.min(options.pollMs, deaf) * (0.75 + Math.random() / 2)
      },
      events,
      prepare: (job) => this.#prepare(job, tools),
      isFull: () => facets.isFull,
    })
    if (options.listenConnectionString !== null) {
      notifier = new Notifier({
        worker: id,
        types: types.map((type) => type.id),
        connection: {
          ...addressOf(options.listenConnectionString ?? options.connectionString),
          application_name: `jobtable:listen:${id}`,
          connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        },
        notify: async (channel) => await notify(this.#pools.background, channel),
        onReady: () => {
          events.emit('woken')
          dispatcher.wake()
        },
        onCancel: (job) => {
          // If this fails, the next sign of life brings it.
          dispatcher.lookAtCancel(job).catch(() => undefined)
        },
        onListening: (fault) => events.emit('listening', fault),
      })
    }
    const understudy = new Understudy({
      worker: id,
      connectionString: options.connectionString,
      intervalMs: options.heartbeatMs,
      overdueAt: () => dispatcher.overdueAt,
    })
    const heartbeat = new Heartbeat({
      database: this.#pools.beats,
      worker: id,
      row,
      dispatcher,
      events,
      intervalMs: options.heartbeatMs,
      listens: () => notifier?.listening === true,
      understudy,
    })
    const common = { database: this.#pools.background, events }
    const maintenance = new Maintenance({ ...common, intervalMs: options.purgeMs })
    const others = [understudy, maintenance, new Tally(common), ...(notifier ? [notifier] : [])]
    return { id, facets, dispatcher, heartbeat, others }
  }

  #prepare(job: HandedJob, tools: JobTools): RunningJob {
    const executor = this.#executors.get(job.type)
    if (executor === undefined) {
      throw new ExecutorError(
        'executor_missing',
        `no executor for type "${job.type}" of job ${job.id}`,
      )
    }
    return new RunningJob(job, executor, tools)
  }

  async #shutDown(): Promise<void> {
    // What has begun to start is stopped once it has.
    await this.#starting?.catch(() => undefined)
    const parts = this.#parts
    if (parts === undefined) return this.#pools.close()
    const { dispatcher, facets, heartbeat, others } = parts
    this.events.emit('stopping')
    dispatcher.drain()
    const drained = dispatcher.drained()
    await within(drained, this.#options.graceMs, this.#hurry.signal)
    dispatcher.abortAll(
      new ShutdownError('shutdown', 'the worker stopped; the attempt is not counted'),
    )
    // What has not ended within its grace period has been given up by then.
    await within(dispatcher.drained(), this.#options.abortGraceMs + FLUSH_MS)
    for (const outcome of dispatcher.forsake()) {
      this.#log.error('an outcome could not be written before the worker stopped', { ...outcome })
    }

    await dispatcher.stop()
    await facets.stop()
    // These went on until now: a running job may have been asked to stop.
    await Promise.all([heartbeat, ...others].map(async (service) => await service.stop()))
    await stopWorker(this.#pools.ticks, parts.id).catch((error: unknown) => {
      this.events.emit('trouble', error)
    })
    await this.#pools.close()
    this.events.emit('stopped')
  }
}

interface Parts {
  readonly id: Id
  readonly facets: FacetWriter
  readonly dispatcher: Dispatcher
  readonly heartbeat: Heartbeat
  readonly others: readonly Service[]
}

/** Throws a ConfigError unless the database's schema is one that this version works with. */
async function requireSchema(pool: Pool): Promise<void> {
  using pooled = await PooledClient.checkOut(pool)
  const { status, message } = await checkSchema(pooled.client)
  if (status !== 'ok' && status !== 'ahead-compatible') {
    throw new ConfigError(`schema_${status}`, message)
  }
}

/** Executors by type. Throws an ExecutorError if two claim one. */
function byType(executors: readonly Executor[]): ReadonlyMap<string, Executor> {
  const map = new Map<string, Executor>()
  for (const executor of executors) {
    if (map.has(executor.type)) {
      throw new ExecutorError('executor_twice', `two executors have the type "${executor.type}"`)
    }
    map.set(executor.type, executor)
  }
  return map
}

/** Waits for a promise, but no longer than `ms`, and no longer than until the signal fires. */
async function within(promise: Promise<void>, ms: number, signal?: AbortSignal): Promise<void> {
  const timer = new AbortController()
  const signals = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal
  await Promise.race([
    promise,
    sleep(Math.min(ms, MAX_TIMER_MS), undefined, { signal: signals }).catch(() => undefined),
  ])
  timer.abort()
}
