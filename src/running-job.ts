import type { Pool } from 'pg'
import { wakeAfter } from './alarm.ts'
import {
  type CheckedPayload,
  checkedFields,
  checkedPayload,
  checkedProgress,
  resultText,
} from './checks.ts'
import { JobtableError, LeaseLostError, PayloadError, TimeoutError } from './errors.ts'
import type { Context, Executor, Job, Progress, Transaction } from './executor.ts'
import type { FacetWriter } from './facet.ts'
import type { Logger } from './log.ts'
import { loggerTo } from './log.ts'
import type { HandedJob, Outcome } from './queries/tick.ts'
import { storedError } from './stored-error.ts'
import { completeWith } from './transaction.ts'
import { type Verdict, verdictOn, verdictOnAborted } from './verdict.ts'

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
  /** Ends the attempt without its executor. */
  #forsake: ((outcome: Outcome | undefined) => void) | undefined
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
   * Runs the attempt. Whatever happens is the outcome; an executor that neither waits nor tells
   * anything has it at once. One that does not end although it was asked to is given up: its attempt
   * ends by `forsake`, and what it still does counts no more.
   */
  run(
    forsake: (outcome: Outcome | undefined) => void,
  ): Outcome | undefined | Promise<Outcome | undefined> {
    try {
      const { handed } = this
      const timeoutMs = handed.timeoutMs ?? this.#tools.timeoutMs(handed.type)
      if (timeoutMs !== undefined) this.#limit(timeoutMs)
      const checked = checkedPayload(this.#executor, handed.payload)
      if (checked instanceof Promise) {
        this.#forsake = forsake
        return this.#runLater(checked, forsake)
      }
      return this.#runWith(checked, forsake)
    } catch (error) {
      this.#forsake = forsake
      return this.#failure(error)
    }
  }

  /** A schema may take its time. */
  async #runLater(
    checked: Promise<CheckedPayload>,
    forsake: (outcome: Outcome | undefined) => void,
  ): Promise<Outcome | undefined> {
    try {
      return await this.#runWith(await checked, forsake)
    } catch (error) {
      return await this.#failure(error)
    }
  }

  #runWith(
    checked: CheckedPayload,
    forsake: (outcome: Outcome | undefined) => void,
  ): Outcome | undefined | Promise<Outcome | undefined> {
    try {
      this.#payload = checked.value
      const value = this.#executor.execute(this)
      if (isThenable(value) || this.#told || this.#cleanup !== undefined) {
        this.#forsake = forsake
        return this.#finish(value)
      }
      this.#end()
      return this.#judged({ outcome: 'completed', result: resultText(value) })
    } catch (error) {
      this.#forsake = forsake
      return this.#failure(error)
    }
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
      await facets.flush(this.handed)
      const withFacets = async (transaction: Transaction): ReturnType<typeof work> => {
        this.#transaction = transaction
        const value = await work(transaction)
        // What was told meanwhile must be visible when the completion is.
        await facets.flushWithin(transaction, this.handed)
        return value
      }
      try {
        const { handed: job, signal, killed } = this
        const value = await completeWith({ pool, job, resultText, signal, killed }, withFacets)
        this.#committed = true
        return value
      } finally {
        this.#transaction = undefined
      }
    }
  }

  async #finish(returned: unknown): Promise<Outcome | undefined> {
    try {
      const value = await returned
      if (this.#told) await this.#tools.facets.flush(this.handed)
      await this.#cleanup
      this.#end()
      if (this.#committed) return undefined
      return this.#judged({ outcome: 'completed', result: resultText(value) })
    } catch (error) {
      return await this.#failure(error)
    }
  }

  async #failure(error: unknown): Promise<Outcome | undefined> {
    // What an executor wrote before it failed is kept; that it could not be written is no news now.
    if (this.#told) await this.#tools.facets.flush(this.handed).catch(() => undefined)
    await this.#cleanup
    this.#end()
    if (this.#committed) return undefined
    return this.#judged(
      this.#reason === undefined
        ? verdictOn(error)
        : verdictOnAborted(this.#reason, storedError(error)),
    )
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
    if (this.#isOver || this.#forsake === undefined) return
    const { name } = reason
    const message = `${reason.message}; its executor did not end`
    this.#tools.log.warn('an executor did not end although it was asked to', {
      job: this.handed.id,
      type: this.handed.type,
      reason: reason.message,
    })
    this.#end()
    const verdict = verdictOnAborted(reason, { name, message })
    this.#forsake(this.#committed ? undefined : this.#judged(verdict))
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
  #end(): void {
    this.#isOver = true
    this.#disarm?.()
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
