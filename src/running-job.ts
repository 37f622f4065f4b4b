import type { Pool } from 'pg'
import { jsonText } from './database.ts'
import { CancelledError, JobtableError, PayloadError, ShutdownError } from './errors.ts'
import type { Context, Executor, Job, Progress, Transaction } from './executor.ts'
import { faults } from './executor.ts'
import type { FacetWriter } from './facet.ts'
import type { Logger } from './log.ts'
import { loggerTo } from './log.ts'
import type { HandedJob, Outcome } from './queries/tick.ts'
import { storedError } from './stored-error.ts'
import { completeWith } from './transaction.ts'

/** What a running job needs of its worker. */
export interface JobTools {
  readonly pool: Pool
  readonly facets: FacetWriter
  readonly log: Logger
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
  /** Whether it has given progress, log lines or facets, which its outcome must not overtake. */
  #told = false

  constructor(handed: HandedJob, executor: Executor, tools: JobTools) {
    this.handed = handed
    this.#executor = executor
    this.#tools = tools
  }

  /**
   * Runs the attempt. Whatever happens is the outcome; an executor that neither waits nor tells
   * anything has it at once.
   */
  run(): Outcome | undefined | Promise<Outcome | undefined> {
    try {
      this.#payload = this.#checkedPayload()
      const value = this.#executor.execute(this)
      if (isThenable(value) || this.#told) return this.#finish(value)
      return this.#outcome('completed', { result: resultText(value) })
    } catch (error) {
      return this.#failure(error)
    }
  }

  /** Asks the executor to stop; the first reason counts. */
  abort(reason: JobtableError): void {
    this.#reason ??= reason
    this.#abort?.abort(this.#reason)
  }

  /** The outcome of a job that is given back before, or although, its executor has ended. */
  release(reason?: JobtableError): Outcome {
    if (reason === undefined) return this.#outcome('released', {})
    const { name, message } = reason
    return this.#outcome('released', { detail: message, error: { name, message } })
  }

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

  get progress(): (update: number | Progress) => void {
    return (update) => {
      this.#told = true
      const progress = typeof update === 'number' ? { fraction: update } : update
      const { fraction } = progress
      if (fraction !== undefined && !(fraction >= 0 && fraction <= 1)) {
        throw new RangeError(`progress ${fraction} is not between 0 and 1`)
      }
      this.#tools.facets.progress(this.handed, progress)
    }
  }

  get facet(): (name: string, fields: Readonly<Record<string, unknown>>) => Promise<void> {
    return (name, fields) => {
      this.#told = true
      const shape = this.#executor.facets?.[name]
      const { facets } = this.#tools
      if (shape === undefined) return facets.write(this.handed, name, fields, this.#transaction)
      const parsed = shape.partial().safeParse(fields)
      if (!parsed.success) {
        const fault = new PayloadError('facet_invalid', `facet "${name}": ${faults(parsed.error)}`)
        return facets.refuse(this.handed, fault)
      }
      return facets.write(this.handed, name, parsed.data, this.#transaction)
    }
  }

  get log(): Logger {
    this.#log ??= loggerTo((level, message, fields) => {
      this.#told = true
      this.#tools.facets.log(this.handed, level, message, fields)
      this.#tools.log[level](message, { ...fields, job: this.handed.id, type: this.handed.type })
    })
    return this.#log
  }

  get transaction(): <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T> {
    return async (work) => {
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
        const value = await completeWith(pool, this.handed, withFacets, resultText, this.signal)
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
      if (this.#committed) return undefined
      return this.#outcome('completed', { result: resultText(value) })
    } catch (error) {
      return this.#failure(error)
    }
  }

  #checkedPayload(): unknown {
    const schema = this.#executor.payload
    if (schema === undefined) return this.handed.payload
    const parsed = schema.safeParse(this.handed.payload)
    if (!parsed.success) {
      throw new PayloadError('payload_invalid', `payload ${faults(parsed.error)}`, {
        cause: parsed.error,
      })
    }
    return parsed.data
  }

  async #failure(error: unknown): Promise<Outcome | undefined> {
    // What an executor wrote before it failed is kept; that it could not be written is no news now.
    if (this.#told) await this.#tools.facets.flush(this.handed).catch(() => undefined)
    if (this.#committed) return undefined
    const stored = storedError(error)
    if (this.#reason instanceof CancelledError) {
      return this.#outcome('cancelled', { detail: this.#reason.message, error: stored })
    }
    if (this.#reason instanceof ShutdownError) return this.release(this.#reason)
    return this.#outcome('failed', {
      detail: `${stored.name}: ${firstLine(stored.message)}`,
      error: stored,
    })
  }

  #outcome(
    outcome: Outcome['outcome'],
    rest: Pick<Outcome, 'detail' | 'result' | 'error'>,
  ): Outcome {
    return { id: this.handed.id, lease: this.handed.lease, outcome, ...rest }
  }
}

/** Whether an executor's value is still to come: from a function of any library. */
function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/** The longest status_detail, in characters: it is one line of a table that people read. */
const MAX_DETAIL = 500

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, MAX_DETAIL)
}

/** What an executor returned, as JSON text; nothing for undefined. Throws where JSON cannot hold it. */
function resultText(value: unknown): string | undefined {
  return value === undefined ? undefined : jsonText(value)
}
