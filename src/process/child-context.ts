import type { Pool } from 'pg'
import { checkedFields, checkedProgress, resultText } from '../checks.ts'
import { cleanText, jsonText } from '../database.ts'
import { JobtableError, PayloadError } from '../errors.ts'
import type { Context, Executor, Job, Progress, Transaction } from '../executor.ts'
import { storedMessage } from '../facet.ts'
import { type Logger, loggerTo } from '../log.ts'
import { Writes } from '../observed.ts'
import { holdTold, writeFacet, writeLogs, writeProgress } from '../queries/running.ts'
import { completeWith } from '../transaction.ts'
import type { Channel } from './channel.ts'
import type { Line, Start } from './messages.ts'

/**
 * What `execute` receives in a process of its own. All that it tells goes through the worker, but
 * within a transaction: that is on a connection of this process, and so is what is told meanwhile,
 * lest it wait for a connection that others' transactions hold.
 */
export class ChildContext implements Context<unknown> {
  readonly job: Job
  readonly payload: unknown
  readonly signal: AbortSignal
  readonly #held: { readonly id: string; readonly lease: string }
  readonly #executor: Executor
  readonly #channel: Channel
  readonly #connect: () => Pool
  readonly #writes = new Writes()
  #within: Within | undefined
  #completed = false

  /** @param connect makes the pool of a transaction */
  constructor(
    { job, lease, payload }: Start,
    executor: Executor,
    channel: Channel,
    signal: AbortSignal,
    connect: () => Pool,
  ) {
    this.job = job
    this.payload = payload
    this.signal = signal
    this.#held = { id: job.id, lease }
    this.#executor = executor
    this.#channel = channel
    this.#connect = connect
  }

  /** Whether a transaction has completed the job. */
  get completed(): boolean {
    return this.#completed
  }

  readonly progress = (update: number | Progress): void => {
    const { fraction, stage, message } = checkedProgress(update)
    const told: Progress = {
      ...(fraction === undefined ? {} : { fraction }),
      ...(stage === undefined ? {} : { stage: cleanText(stage) }),
      ...(message === undefined ? {} : { message: cleanText(message) }),
    }
    if (this.#within !== undefined) Object.assign(this.#within.progress, told)
    this.#channel.progress(told)
  }

  readonly facet = (name: string, fields: Readonly<Record<string, unknown>>): Promise<void> =>
    this.#writes.track(this.#writeFacet(name, fields))

  readonly log: Logger = loggerTo((level, message, fields) => {
    const line = {
      level,
      message: storedMessage(message),
      fields: fields === undefined ? undefined : jsonText({ ...fields }),
      stored: false,
    }
    if (this.#within === undefined) this.#channel.lines([line])
    else this.#within.lines.push({ line, loggedAt: performance.now() })
  })

  readonly transaction = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
    if (this.#completed) {
      throw new JobtableError('committed', `job ${this.job.id} is completed already`)
    }
    await this.written()
    await this.#channel.ask({ kind: 'transaction' })
    const lines: Within['lines'] = []
    const pool = this.#connect()
    try {
      const withTold = async (client: Transaction): Promise<T> => {
        const within = { client, progress: {}, lines }
        this.#within = within
        const value = await work(client)
        await this.written()
        await this.#writeTold(within)
        return value
      }
      const { signal } = this
      const value = await completeWith(
        // This process is killed as a whole.
        { pool, job: this.#held, resultText, signal, killed: new AbortController().signal },
        withTold,
      )
      this.#completed = true
      return value
    } finally {
      this.#within = undefined
      // Those of a transaction that was rolled back are lines all the same.
      const stored = this.#completed
      this.#channel.lines(lines.map(({ line }) => ({ ...line, stored })))
      await pool.end()
    }
  }

  /** Resolves when every facet is written. Rejects with the error of one that nobody has looked at. */
  async written(): Promise<void> {
    await this.#writes.succeeded()
  }

  async #writeFacet(name: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const checked = checkedFields(this.#executor, name, fields)
    if (checked instanceof PayloadError) throw checked
    const client = this.#within?.client
    if (client !== undefined) await writeFacet(client, this.#held, name, checked, true)
    else await this.#channel.ask({ kind: 'facet', name, fields: jsonText({ ...checked }) })
  }

  async #writeTold({ client, progress, lines }: Within): Promise<void> {
    const { id, lease } = this.#held
    const { fraction, stage, message } = progress
    if (Object.keys(progress).length + lines.length === 0) return
    await holdTold(client, this.#held)
    if (Object.keys(progress).length > 0) {
      await writeProgress(client, [{ id, lease, fraction, stage, message }])
    }
    if (lines.length === 0) return
    const now = performance.now()
    await writeLogs(
      client,
      lines.map(({ line, loggedAt }) => ({
        id,
        lease,
        ageMs: now - loggedAt,
        level: line.level,
        message: line.message,
        fields: line.fields,
      })),
    )
  }
}

/** What is told within a transaction. */
interface Within {
  readonly client: Transaction
  readonly progress: { fraction?: number; stage?: string; message?: string }
  readonly lines: { readonly line: Line<string>; readonly loggedAt: number }[]
}
