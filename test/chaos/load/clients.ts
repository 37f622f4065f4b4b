import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { codeOf, isTransient } from '../../../src/errors.ts'
import type { Ledger } from '../ledger.ts'
import { createPool } from '../pool.ts'
import { createRandom, type Random } from '../random.ts'
import { drawJob, type MIXED, type NewJob } from './jobs.ts'
import { steer } from './steering.ts'

export interface LoadOptions {
  readonly url: string
  readonly seed: number
  /** Jobs a second, of all clients together. */
  readonly rate: number
  readonly kinds: typeof MIXED
  /** Whether some clients delete, cancel, resubmit, hold and reprioritise jobs. */
  readonly steering: boolean
  readonly ledger: Ledger
}

/** Clients that insert. */
const INSERTERS = 3
/** Clients that steer, each some times a second. */
const STEERERS = 2
const STEER_MS = 60
/** Jobs of one INSERT. */
const MOST_IN_A_BATCH = 12
/** One INSERT in so many is in a transaction that is rolled back. */
const ROLLBACK_ONE_IN = 40
/** By how much a client may catch up. What an outage kept it from inserting is not made up for. */
const SLACK_MS = 100
/** A statement that has no answer by then is given up: whether it happened is not known. */
const PATIENCE_MS = 10_000

/** What racing clients are told by design: somebody was faster. */
const EXPECTED = new Set(['23505', 'JT005', 'JT006', 'JT007', 'JT008', 'JT010'])

const INSERT = `
  with asked as (
    select * from jsonb_to_recordset($1) a (
      type text, payload jsonb, key text, delay integer, max_attempts smallint
    )
  ), inserted as (
    insert into jobtable.job (type, payload, key, run_at, max_attempts)
    select a.type, a.payload, a.key, now() + make_interval(secs => a.delay), a.max_attempts
    from asked a
    returning id
  )
  insert into chaos.inserted (job) select i.id from inserted i returning job::text as id`

/** Clients at work, until they are stopped. */
export class Load implements AsyncDisposable {
  /** How often clients were refused by design, by SQLSTATE. */
  readonly refusals = new Map<string, number>()
  /** What they should never have been told. */
  readonly faults: string[] = []
  /** Statements without an answer, or refused because the server was away or full. */
  unanswered = 0
  readonly #options: LoadOptions
  readonly #pool: Pool
  readonly #stopping = new AbortController()
  readonly #clients: Promise<void>[] = []

  constructor(options: LoadOptions) {
    this.#options = options
    this.#pool = createPool({
      connectionString: options.url,
      application_name: 'chaos:client',
      max: INSERTERS + STEERERS,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
    })
  }

  start(): void {
    const { seed, steering } = this.#options
    for (let n = 1; n <= INSERTERS; n += 1) {
      this.#clients.push(this.#insertUntilStopped(createRandom(seed, `inserter ${n}`)))
    }
    if (!steering) return
    for (let n = 1; n <= STEERERS; n += 1) {
      this.#clients.push(this.#steerUntilStopped(createRandom(seed, `steerer ${n}`)))
    }
  }

  /** Stops the clients, and lets go on what they hold back. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#clients)
    await this.#pool.query('update jobtable.job set paused = false where paused')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#clients)
    await this.#pool.end()
  }

  async #insertUntilStopped(random: Random): Promise<void> {
    const { rate, kinds } = this.#options
    let dueAt = performance.now()
    while (!this.#stopping.signal.aborted) {
      const size = random.integer(1, MOST_IN_A_BATCH)
      const jobs = Array.from({ length: size }, () => drawJob(kinds, random))
      const rolledBack = random.integer(1, ROLLBACK_ONE_IN) === 1
      await this.#try(async () => await (rolledBack ? this.#rollBack(jobs) : this.#insert(jobs)))
      dueAt += (size * INSERTERS * 1_000) / rate
      dueAt = Math.max(dueAt, performance.now() - SLACK_MS)
      await delay(Math.max(0, dueAt - performance.now()))
    }
  }

  /** A job with a key goes alone: it may be refused, and would take the others with it. */
  async #insert(jobs: readonly NewJob[]): Promise<void> {
    const keyed = jobs.filter(({ key }) => key !== undefined).map((job) => [job])
    for (const batch of [jobs.filter(({ key }) => key === undefined), ...keyed]) {
      if (batch.length === 0) continue
      await this.#try(async () => {
        const { rows } = await this.#pool.query<{ id: string }>(INSERT, [JSON.stringify(batch)])
        this.#options.ledger.add(
          'insert',
          rows.map(({ id }) => id),
        )
      })
    }
  }

  async #rollBack(jobs: readonly NewJob[]): Promise<void> {
    const client = await this.#pool.connect()
    let broken = true
    try {
      await client.query('begin')
      await client.query(INSERT, [JSON.stringify(jobs)])
      await client.query('rollback')
      broken = false
    } finally {
      client.release(broken)
    }
  }

  async #steerUntilStopped(random: Random): Promise<void> {
    const { ledger } = this.#options
    while (!this.#stopping.signal.aborted) {
      await this.#try(async () => await steer(this.#pool, ledger, random))
      await delay(STEER_MS * 2 * random.next())
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const code = codeOf(error)
      if (code !== undefined && EXPECTED.has(code)) {
        this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
      } else if (isOutage(error)) {
        this.unanswered += 1
        await delay(100)
      } else {
        this.faults.push(`a client got ${code ?? 'an error'}: ${String(error)}`)
      }
    }
  }
}

/** A lock or serialization that was lost is none: no client here asks for what could meet one. */
function isOutage(error: unknown): boolean {
  return isTransient(error) && !/^(40|55)/.test(codeOf(error) ?? '')
}
