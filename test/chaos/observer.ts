import { setTimeout as delay } from 'node:timers/promises'
import type { Pool, QueryResultRow } from 'pg'
import { createPool } from './pool.ts'

const SAMPLE_MS = 200
const PATIENCE_MS = 5_000

/** What the server had written down by a moment of real time. */
interface Sample {
  readonly at: number
  readonly seq: number
  /** Jobs that have completed so far, but for the few whose step was overtaken by a later one's commit. */
  readonly completed: number
}

/** What was held at a moment, and where in the order of all steps that was. */
export interface Holding {
  readonly seq: number
  readonly jobs: readonly string[]
}

/**
 * Looks at the database from outside, on connections that are set aside for it, and knows when what
 * happened there in real time.
 */
export class Observer {
  readonly #pool: Pool
  readonly #samples: Sample[] = []
  readonly #stopping = new AbortController()
  #sampling: Promise<void> | undefined

  constructor(adminUrl: string) {
    this.#pool = createPool({
      connectionString: adminUrl,
      application_name: 'chaos:observer',
      max: 2,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
    })
  }

  start(): void {
    this.#sampling = this.#sample()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#sampling
    await this.#pool.end()
  }

  /** Runs a statement; undefined if the server does not answer. */
  async ask<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[] | undefined> {
    try {
      return (await this.#pool.query<Row>(text, [...values])).rows
    } catch {
      return undefined
    }
  }

  /** The jobs that workers of these processes hold; undefined if the server does not answer. */
  async held(pids: readonly number[]): Promise<Holding | undefined> {
    const rows = await this.ask<{ seq: string; jobs: string[] }>(
      `select (select last_value from chaos.seq) as seq, array(
         select j.id::text
         from jobtable.worker w
         join jobtable_internal.claim c on c.worker = w.id
         cross join lateral unnest(c.ids) u (id)
         join jobtable.job j on j.id = u.id and j.lease = c.lease
         where w.pid = any ($1) and w.stopped_at is null and j.status in ('queued', 'started')
       ) as jobs`,
      [pids],
    )
    const row = rows?.[0]
    return row === undefined ? undefined : { seq: Number(row.seq), jobs: row.jobs }
  }

  /** When a step was taken, in milliseconds of performance.now(), to a fifth of a second. */
  timeOf(seq: number): number {
    return this.#samples.find((sample) => sample.seq >= seq)?.at ?? performance.now()
  }

  /** The last step that was surely taken by a moment. */
  seqAt(time: number): number {
    return this.#samples.find(({ at }) => at >= time)?.seq ?? Number.MAX_SAFE_INTEGER
  }

  /** How many jobs had completed by a moment. */
  completedAt(time: number): number {
    const after = this.#samples.findIndex(({ at }) => at >= time)
    const later = this.#samples.at(after)
    const earlier = this.#samples.at(Math.max(0, after - 1))
    if (later === undefined || earlier === undefined) return 0
    const span = later.at - earlier.at
    const share = after < 0 || span === 0 ? 1 : (time - earlier.at) / span
    return earlier.completed + share * (later.completed - earlier.completed)
  }

  async #sample(): Promise<void> {
    let seq = 0
    let completed = 0
    while (!this.#stopping.signal.aborted) {
      const rows = await this.ask<{ seq: string; completed: string }>(
        `select coalesce(max(s.seq), $1)::text as seq,
           count(*) filter (where s.status = 'completed')::text as completed
         from chaos.step s
         where s.seq > $1`,
        [seq],
      )
      const row = rows?.[0]
      if (row !== undefined) {
        seq = Number(row.seq)
        completed += Number(row.completed)
        this.#samples.push({ at: performance.now(), seq, completed })
      }
      await delay(SAMPLE_MS)
    }
  }
}
