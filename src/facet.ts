import { setTimeout as sleep } from 'node:timers/promises'
import { withRetry } from './backoff.ts'
import type { Database } from './database.ts'
import { cleanText, jsonText } from './database.ts'
import { codeOf, isTransient, LOCK_NOT_AVAILABLE } from './errors.ts'
import type { Progress } from './executor.ts'
import { type Line, Lines } from './lines.ts'
import type { LogFields } from './log.ts'
import { Writes } from './observed.ts'
import type { LogLevel, LogRow, ProgressRow } from './queries/running.ts'
import { holdTold, writeFacet, writeLogs, writeProgress } from './queries/running.ts'
import { type HandedJob, keyOf } from './queries/tick.ts'
import { Service } from './service.ts'
import { storedError } from './stored-error.ts'

/** Progress and log lines are written this often at most; people cannot see more. */
export const FLUSH_INTERVAL_MS = 100
/** The longest log message that is kept, in characters. */
const MAX_MESSAGE = 10_000
/** Lines in one statement. */
const MAX_LINES = 1_000
/** Characters of lines that wait, of more than two jobs: while there are so many, no more jobs begin to log. */
const MAX_LENGTH = 50_000_000

/** Columns that wait to be written to one facet of one job. */
interface PendingFacet {
  fields: Record<string, unknown>
  readonly written: Promise<void>
}

/**
 * Writes what running jobs tell, of each attempt by itself: progress and log lines of all jobs together,
 * a few times a second; each facet by a statement of its own, so that a bad one fails only its own
 * job. What waits of a job is flushed before its outcome is written.
 */
export class FacetWriter extends Service {
  readonly #facetDatabase: Database
  readonly #database: Database
  readonly #onRoom: () => void
  readonly #progress = new Map<string, ProgressRow>()
  readonly #facets = new Map<string, PendingFacet>()
  /** When the last of those is over that a lock has kept back and that have been sent again. */
  #turn: Promise<void> = Promise.resolve()
  readonly #writes = new Map<string, Writes>()
  readonly #lines = new Lines()
  /** Jobs that have lines on their way. */
  #sent: ReadonlySet<string> = new Set()
  /** Jobs that a client's lock keeps back: others do not wait for them, until the pause is over. */
  readonly #resting = new Set<string>()
  #flushing: Promise<void> | undefined
  #pause: Promise<void> | undefined

  /**
   * @param facets where facets are written: several at once, since each may wait for a client's lock
   * @param database where progress and log lines are written
   * @param onRoom is called when it is full no more
   */
  constructor(facets: Database, database: Database, onRoom: () => void) {
    super()
    this.#facetDatabase = facets
    this.#database = database
    this.#onRoom = onRoom
  }

  /** Whether so much waits to be written that no more jobs should begin. */
  get isFull(): boolean {
    return this.#lines.length >= MAX_LENGTH
  }

  /** What runs is caused by the jobs. What they have told last is written when the worker stops. */
  protected override async run(): Promise<void> {
    while (!this.stopping.aborted) await this.alarm.wait(Infinity)
    this.#resting.clear()
    while (this.#isReady) await this.#flush()
    this.#progress.clear()
    this.#lines.clear()
  }

  progress(job: HandedJob, update: Progress): void {
    const key = keyOf(job)
    const last = this.#progress.get(key)
    const { id, lease } = job
    this.#progress.set(key, {
      id,
      lease,
      fraction: update.fraction ?? last?.fraction,
      stage: update.stage === undefined ? last?.stage : cleanText(update.stage),
      message: update.message === undefined ? last?.message : cleanText(update.message),
    })
    this.#schedule()
  }

  log(job: HandedJob, level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.#lines.push({
      id: job.id,
      lease: job.lease,
      loggedAt: performance.now(),
      level,
      message: storedMessage(message),
      fields: fields === undefined ? undefined : jsonText(fields),
    })
    this.#schedule()
  }

  /**
   * Writes columns of a facet; merged with those that still wait for the same row. While the job has
   * a transaction of its own, as a part of that.
   */
  write(
    job: HandedJob,
    name: string,
    fields: Readonly<Record<string, unknown>>,
    transaction?: Database,
  ): Promise<void> {
    const key = `${keyOf(job)} ${name}`
    const pending = this.#facets.get(key)
    if (pending !== undefined) {
      Object.assign(pending.fields, fields)
      return pending.written
    }
    const previous = this.#writes.get(keyOf(job))?.settled()
    const entry: PendingFacet = {
      fields: { ...fields },
      written: (async () => {
        // A job's facets are written in the order in which it gave them.
        await previous
        this.#facets.delete(key)
        const write = (database: Database): Promise<void> =>
          writeFacet(database, job, name, entry.fields, database === transaction)
        if (transaction !== undefined) await write(transaction)
        else await this.#retry(() => write(this.#facetDatabase))
      })(),
    }
    this.#facets.set(key, entry)
    return this.#track(job, entry.written)
  }

  /** A facet write that fails before it is sent. */
  refuse(job: HandedJob, fault: Error): Promise<void> {
    return this.#track(job, Promise.reject(fault))
  }

  /**
   * Settles when everything that the job has told is in the database. Rejects with the error of a
   * facet write that failed.
   */
  async flush(job: HandedJob): Promise<void> {
    try {
      await this.#facetsWritten(job)
    } finally {
      const key = keyOf(job)
      while (this.#waits(key)) {
        if (this.#resting.has(key)) await this.#flushLater()
        else await this.#flush()
      }
    }
  }

  /**
   * Runs a transaction that completes the job. When it is about to do so it calls `flush`, which writes
   * by it what the job has told meanwhile. That never waits for another connection: a pooler may have
   * none left but those of transactions that wait likewise.
   */
  async within<T>(
    job: HandedJob,
    run: (flush: (transaction: Database) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    await this.flush(job)
    const key = keyOf(job)
    let lines: readonly Line[] = []
    try {
      return await run(async (transaction) => {
        await this.#facetsWritten(job)
        // Perhaps on its way already; then it is written twice.
        const progress = this.#progress.get(key)
        if (progress === undefined && !this.#lines.has(key)) return
        await holdTold(transaction, job)
        if (progress !== undefined) await writeProgress(transaction, [progress])
        // Those that are on their way by now, a statement's worth at most, are not written twice.
        lines = this.#lines.takeOf(key)
        for (let n = 0; n < lines.length; n += MAX_LINES) {
          await writeLogs(transaction, aged(lines.slice(n, n + MAX_LINES)))
        }
      })
    } catch (error) {
      // It was not committed; if nobody can tell, rather twice than not at all.
      this.#lines.restore(lines)
      this.#schedule()
      throw error
    }
  }

  /**
   * Repeats the write of a facet until it succeeds. Those that a lock has kept back are sent again one
   * after another, so that they leave the other connections to facets that nobody has locked.
   */
  async #retry(write: () => Promise<void>): Promise<void> {
    let isLocked = false
    await withRetry(async () => {
      try {
        await (isLocked ? this.#inTurn(write) : write())
      } catch (error) {
        isLocked = codeOf(error) === LOCK_NOT_AVAILABLE
        throw error
      }
    }, this.stopping)
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(write)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #facetsWritten(job: HandedJob): Promise<void> {
    const key = keyOf(job)
    const writes = this.#writes.get(key)
    if (writes === undefined) return
    this.#writes.delete(key)
    await writes.succeeded()
  }

  #track(job: HandedJob, written: Promise<void>): Promise<void> {
    const key = keyOf(job)
    const writes = this.#writes.get(key) ?? new Writes()
    this.#writes.set(key, writes)
    return writes.track(written, () => {
      if (writes.size === 0 && this.#writes.get(key) === writes) this.#writes.delete(key)
    })
  }

  #waits(key: string): boolean {
    return this.#progress.has(key) || this.#lines.has(key) || this.#sent.has(key)
  }

  /** Whether anything waits that no lock keeps back. */
  get #isReady(): boolean {
    return [...this.#progress.keys(), ...this.#lines.keys()].some((key) => !this.#resting.has(key))
  }

  #schedule(): void {
    if (!this.stopping.aborted) void this.#flushLater()
  }

  /** One pause for all who wait; after it what locks kept back is tried again. */
  #flushLater(): Promise<void> {
    this.#pause ??= sleep(FLUSH_INTERVAL_MS).then(async () => {
      this.#pause = undefined
      if (!this.stopping.aborted) this.#resting.clear()
      await this.#flush()
    })
    return this.#pause
  }

  /**
   * Writes what waits, of the lines as many as a statement takes. One at a time, so that lines keep
   * their order. Never rejects.
   */
  #flush(): Promise<void> {
    this.#flushing ??= (async () => {
      const [, isFull] = await Promise.all([this.#writeProgress(), this.#writeLines()])
      this.#flushing = undefined
      if (isFull) void this.#flush()
      else if (this.#progress.size > 0 || this.#lines.jobs > 0) this.#schedule()
    })()
    return this.#flushing
  }

  async #writeProgress(): Promise<void> {
    const rows = [...this.#progress.values()].filter((row) => !this.#resting.has(keyOf(row)))
    const written = async (some: readonly ProgressRow[]): Promise<void> => {
      const locked = new Set(await writeProgress(this.#database, some))
      for (const row of some) if (!locked.has(row.id)) this.#forget(row)
    }
    // What cannot be stored is of no use to anybody, and must not keep its job from ending.
    await this.#write(rows, written, (row) => this.#forget(row))
    for (const row of rows) {
      const key = keyOf(row)
      if (this.#progress.get(key) === row) this.#resting.add(key)
    }
  }

  /** A newer value that came meanwhile stays. */
  #forget(row: ProgressRow): void {
    const key = keyOf(row)
    if (this.#progress.get(key) === row) this.#progress.delete(key)
  }

  /** Answers whether there were as many as a statement takes, and perhaps more. */
  async #writeLines(): Promise<boolean> {
    const wasFull = this.isFull
    const lines = this.#lines.take(MAX_LINES, this.#resting)
    const left = new Set(lines)
    this.#sent = new Set(lines.map(keyOf))
    const written = async (some: readonly Line[]): Promise<void> => {
      const locked = new Set(await writeLogs(this.#database, aged(some)))
      for (const [index, line] of some.entries()) if (!locked.has(index)) left.delete(line)
    }
    const unstorable = (line: Line, error: unknown): void => {
      left.delete(line)
      const { message } = storedError(error)
      // Once more without what was in it; that a server cannot store ASCII is not to be expected.
      if (line.fields === UNSTORABLE) return
      this.#lines.push({
        ...line,
        message: `a line that cannot be stored: ${message}`,
        fields: UNSTORABLE,
      })
    }
    await this.#write(lines, written, unstorable)
    // A job's lines keep their order: none is written before one that a client's lock keeps back.
    for (const line of left) this.#resting.add(keyOf(line))
    this.#sent = new Set()
    this.#lines.settle(lines, left)
    if (wasFull && !this.isFull) this.#onRoom()
    return lines.length === MAX_LINES
  }

  /**
   * Writes rows together, or, where one is at fault or locked by a client, in halves until that one
   * stands alone. A locked one stays for the next time.
   */
  async #write<R>(
    rows: readonly R[],
    write: (rows: readonly R[]) => Promise<void>,
    onUnstorable: (row: R, error: unknown) => void,
  ): Promise<void> {
    const [first] = rows
    if (first === undefined) return
    try {
      await withRetry(async () => await write(rows), this.stopping, passesByItself)
    } catch (error) {
      if (passesByItself(error)) return
      if (rows.length > 1) {
        const half = Math.ceil(rows.length / 2)
        await this.#write(rows.slice(0, half), write, onUnstorable)
        await this.#write(rows.slice(half), write, onUnstorable)
      } else if (codeOf(error) !== LOCK_NOT_AVAILABLE) onUnstorable(first, error)
    }
  }
}

/** The fields of a line that stands for one that cannot be stored. */
const UNSTORABLE = '{"unstorable":true}'

/** An outage, and not a row that is locked. */
function passesByItself(error: unknown): boolean {
  return isTransient(error) && codeOf(error) !== LOCK_NOT_AVAILABLE
}

/** A log message as it is kept. */
export function storedMessage(message: string): string {
  return cleanText(message.slice(0, MAX_MESSAGE))
}

function aged(lines: readonly Line[]): LogRow[] {
  const now = performance.now()
  return lines.map((line) => ({ ...line, ageMs: now - line.loggedAt }))
}
