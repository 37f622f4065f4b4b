import type { Pool } from 'pg'
import { wakeAfter } from './alarm.ts'
import {
  type CheckedPayload,
  checkedFields,
  checkedPayload,
  checkedProgress,
  resultText,
} from './checks.ts'
import {
  JobtableError,
  LeaseLostError,
  PayloadError,
  type ShutdownError,
  TimeoutError,
} from './errors.ts'
import type { Context, Executor, Job, Progress, Transaction } from './executor.ts'
import type { FacetWriter } from './facet.ts'
import type { Logger } from './log.ts'
import { loggerTo } from './log.ts'
import type { HandedJob, Outcome } from './queries/tick.ts'
import { storedError } from './stored-error.ts'
import { completeWith } from './transaction.ts'
import { failure, type Verdict, verdictOn, verdictOnAborted } from './verdict.ts'

/**
 * What has been told has the same grace period as an executor when the worker stops, but no longer than
 * this, in milliseconds: the outcome must be written in time as well.
 */
const MAX_TOLD_GRACE_MS = 10_000
/** How long a process that was killed takes to end at most, in milliseconds. */
const DEATH_MS = 2_000

/** What a running job needs of its worker. */
export interface JobTools {
  readonly pool: Pool
  readonly facets: FacetWriter
  readonly log: Logger
  /** How long an executor may take to end once its signal has fired, in milliseconds. */
  readonly abortGraceMs: number
  /** The timeout of a type's jobs that have none of their own, in milliseconds. */
  readonly timeoutMs: (type: string) => number | undefined
  /** An attempt that may last until then, by performance.now(), begins. */
  readonly overdueAt: (at: number) => void
}

/** An outcome that must not overtake what its job has told. */
export interface Trailing {
  /** Comes when that is in the database; undefined if there is nothing to write. */
  readonly outcome: Promise<Outcome | undefined>
  /** The worker stops: what has been told has a grace period to arrive. */
  abort(reason: ShutdownError): void
}

/** How an attempt ended: its outcome, none if there is nothing to write, or one that is yet to come. */
export type Ending = Outcome | undefined | Trailing

/**
 * One attempt of one job in this process, from the checked payload to the outcome. It is the
 * executor's context as well; what a plain job does not use of it is never made.
 */
export class RunningJob implements Context<unknown> {
  readonly handed: HandedJob
  readonly #executor: Executor
  readonly #tools: JobTools
  #payload: unknown
  #abort: AbortController | undefined
  #reason: JobtableError | undefined
  #log: Logger | undefined
  #transaction: Transaction | undefined
  #committed = false
  #killed: AbortController | undefined
  #ended: ((ending: Ending) => void) | undefined
  #isOver = false
  #cleanup: Promise<void> | undefined
  /** Stops the timer of the timeout, or of the grace period. */
  #disarm: (() => void) | undefined
  /** Whether it has given progress, log lines or facets, which its outcome must not overtake. */
  #told = false

  constructor(handed: HandedJob, executor: Executor, tools: JobTools) {
    this.handed = handed
    this.#executor = executor
    this.#tools = tools
  }

  /**
   * Runs the attempt. Whatever happens is its ending, which is told once: an executor that does not
   * wait has it at once. One that does not end although it was asked to is given up, and what it still
   * does counts no more.
   */
  run(ended: (ending: Ending) => void): void {
    this.#ended = ended
    const verdict = this.#attempt()
    if (!(verdict instanceof Promise)) return this.#end(verdict)
    // Whatever an executor may have thrown that no verdict can be made of, it has ended.
    const certain = verdict.catch((fault: unknown) => failure(storedError(fault)))
    void certain.then((later) => this.#end(later))
  }

  #attempt(): Verdict | Promise<Verdict | undefined> {
    try {
      const { handed } = this
      const timeoutMs = handed.timeoutMs ?? this.#tools.timeoutMs(handed.type)
      if (timeoutMs !== undefined) this.#limit(timeoutMs)
      const checked = checkedPayload(this.#executor, handed.payload)
      // A schema may take its time.
      if (checked instanceof Promise) return this.#later(checked.then((one) => this.#execute(one)))
      const value = this.#execute(checked)
      if (isThenable(value) || this.#cleanup !== undefined) return this.#later(value)
      return { outcome: 'completed', result: resultText(value) }
    } catch (error) {
      return this.#failure(error)
    }
  }

  #execute({ value }: CheckedPayload): unknown {
    this.#payload = value
    return this.#executor.execute(this)
  }

  /** Asks the executor to stop; the first reason counts. It has a grace period to end. */
  abort(reason: JobtableError): void {
    if (this.#reason !== undefined || this.#isOver) return
    this.#reason = reason
    this.#disarm?.()
    this.#abort?.abort(reason)
    const { onAbort } = this.#executor
    if (onAbort !== undefined) this.#cleanup = this.#cleanUp(onAbort, reason)
    this.#disarm = wakeAfter(this.#tools.abortGraceMs, () => this.#giveUp(reason))
    // What runs for another by now must not run on.
    if (reason instanceof LeaseLostError) this.#kill()
  }

  /** Whether the attempt has ended, with its executor or without. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** What the worker lends to a job whose executor runs in a process of its own. */
  get tools(): JobTools {
    return this.#tools
  }

  /** Tells that the executor has completed the job by a transaction of its own process. */
  completed(): void {
    this.#committed = true
  }

  /** When the attempt's timeout and grace period are over, by performance.now(); if it has one. */
  overdueAt: number | undefined

  get job(): Job {
    const h = this.handed
    return {
      id: h.id,
      type: h.type,
      owner: h.owner,
      title: h.title,
      properties: h.properties,
      priority: h.priority,
      key: h.key,
      attempt: h.attempt,
      createdAt: new Date(h.createdAt),
      runAt: new Date(h.runAt),
      startedAt: new Date(h.startedAt ?? h.createdAt),
    }
  }

  get payload(): unknown {
    return this.#payload
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#reason !== undefined) this.#abort.abort(this.#reason)
    }
    return this.#abort.signal
  }

  /** Fires when the executor has not ended within its grace period, and whatever it runs must end. */
  get killed(): AbortSignal {
    this.#killed ??= new AbortController()
    return this.#killed.signal
  }

  get progress(): (update: number | Progress) => void {
    return (update) => {
      this.#requireLife()
      this.#told = true
      this.#tools.facets.progress(this.handed, checkedProgress(update))
    }
  }

  get facet(): (name: string, fields: Readonly<Record<string, unknown>>) => Promise<void> {
    return (name, fields) => {
      if (this.#isOver) return Promise.reject(this.#lost())
      this.#told = true
      const { facets } = this.#tools
      const checked = checkedFields(this.#executor, name, fields)
      return checked instanceof PayloadError
        ? facets.refuse(this.handed, checked)
        : facets.write(this.handed, name, checked, this.#transaction)
    }
  }

  get log(): Logger {
    this.#log ??= loggerTo((level, message, fields) => {
      this.#told = true
      if (!this.#isOver) this.#tools.facets.log(this.handed, level, message, fields)
      this.#tools.log[level](message, { ...fields, job: this.handed.id, type: this.handed.type })
    })
    return this.#log
  }

  get transaction(): <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T> {
    return async (work) => {
      this.#requireLife()
      if (this.#committed) {
        throw new JobtableError('committed', `job ${this.handed.id} is completed already`)
      }
      const { facets, pool } = this.#tools
      const { handed: job, signal, killed } = this
      try {
        return await facets.within(job, async (flush) => {
          const withFacets = async (transaction: Transaction): ReturnType<typeof work> => {
            this.#transaction = transaction
            const value = await work(transaction)
            // What was told meanwhile must be visible when the completion is.
            await flush(transaction)
            return value
          }
          const value = await completeWith({ pool, job, resultText, signal, killed }, withFacets)
          this.#committed = true
          return value
        })
      } finally {
        this.#transaction = undefined
      }
    }
  }

  async #later(returned: unknown): Promise<Verdict | undefined> {
    try {
      const value = await returned
      await this.#cleanup
      return { outcome: 'completed', result: resultText(value) }
    } catch (error) {
      return await this.#failure(error)
    }
  }

  async #failure(error: unknown): Promise<Verdict | undefined> {
    await this.#cleanup
    return this.#verdictOn(error)
  }

  #verdictOn(error: unknown): Verdict | undefined {
    return this.#reason === undefined
      ? verdictOn(error)
      : verdictOnAborted(this.#reason, storedError(error))
  }

  /** Its grace period is over: the attempt ends, and its executor's process, if it has one. */
  #giveUp(reason: JobtableError): void {
    this.#kill()
    // A process that is killed ends, and with it its executor.
    if (this.#executor.isolation === 'process') {
      this.#disarm = wakeAfter(DEATH_MS, () => this.#doWithout(reason))
    } else this.#doWithout(reason)
  }

  #doWithout(reason: JobtableError): void {
    if (this.#isOver) return
    const { name } = reason
    const message = `${reason.message}; its executor did not end`
    this.#tools.log.warn('an executor did not end although it was asked to', {
      job: this.handed.id,
      type: this.handed.type,
      reason: reason.message,
    })
    this.#end(verdictOnAborted(reason, { name, message }))
  }

  #kill(): void {
    this.#killed ??= new AbortController()
    this.#killed.abort(this.#reason)
  }

  #limit(timeoutMs: number): void {
    this.overdueAt = performance.now() + timeoutMs + this.#tools.abortGraceMs
    this.#tools.overdueAt(this.overdueAt)
    const reason = `the attempt took longer than its timeout of ${timeoutMs / 1000} s`
    this.#disarm = wakeAfter(timeoutMs, () => this.abort(new TimeoutError('timeout', reason)))
  }

  async #cleanUp(onAbort: NonNullable<Executor['onAbort']>, reason: JobtableError): Promise<void> {
    const { job, payload, log } = this
    try {
      await onAbort({ reason, job, payload, log })
    } catch (error) {
      const { message } = storedError(error)
      this.#tools.log.error('onAbort failed', { job: job.id, type: job.type, reason: message })
    }
  }

  /** The attempt is over: its executor has ended, or does not count any more. */
  #end(verdict: Verdict | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#disarm?.()
    const outcome = this.#committed ? undefined : this.#judged(verdict)
    this.#ended?.(this.#told ? this.#trail(outcome) : outcome)
  }

  #trail(outcome: Outcome | undefined): Trailing {
    const { promise, resolve } = Promise.withResolvers<Outcome | undefined>()
    void this.#afterTold(outcome).then((later) => {
      this.#disarm?.()
      resolve(later)
    })
    const abort = (reason: ShutdownError): void => {
      const graceMs = Math.min(this.#tools.abortGraceMs, MAX_TOLD_GRACE_MS)
      this.#disarm = wakeAfter(graceMs, () => resolve(this.#untold(outcome, reason)))
    }
    return { outcome: promise, abort }
  }

  /** The outcome without what the job has told: it has not completed. */
  #untold(outcome: Outcome | undefined, reason: ShutdownError): Outcome | undefined {
    if (outcome === undefined) return undefined
    this.#tools.log.warn('what a job has told could not be written before the worker stopped', {
      job: this.handed.id,
      type: this.handed.type,
    })
    return outcome.outcome === 'completed'
      ? this.#judged(verdictOnAborted(reason, storedError(reason)))
      : outcome
  }

  /** The outcome, once all that the job has told is in the database. */
  async #afterTold(outcome: Outcome | undefined): Promise<Outcome | undefined> {
    try {
      await this.#tools.facets.flush(this.handed)
    } catch (error) {
      // Of what had failed anyway it is no news.
      if (outcome?.outcome === 'completed') return this.#judged(this.#verdictOn(error))
    }
    return outcome
  }

  #requireLife(): void {
    if (this.#isOver) throw this.#lost()
  }

  #lost(): LeaseLostError {
    return new LeaseLostError('JT014', `the attempt of job ${this.handed.id} is over`, {
      cause: this.#reason,
    })
  }

  #judged(verdict: Verdict | undefined): Outcome | undefined {
    if (verdict === undefined) return undefined
    return { id: this.handed.id, lease: this.handed.lease, ...verdict }
  }
}

/** Whether an executor's value is still to come: from a function of any library. */
function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
