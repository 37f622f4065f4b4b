import { randomBytes } from 'node:crypto'
import type { Database as Connection } from '../../src/database.ts'
import * as queries from '../../src/queries/tick.ts'
import { type Beat, type BeatAnswer, beat, startWorker } from '../../src/queries/worker.ts'
import type { Database } from './database.ts'
import { insertJob, type Queryable, type Status, statusOf } from './job.ts'
import type { Session } from './session.ts'

type Handed = queries.HandedJob

/** What one look at the queue asks for. */
export interface Wish {
  /** Jobs to be started. Default 1,000. */
  readonly slots?: number
  /** Jobs to be queued beyond them. Default 0. */
  readonly prefetch?: number
  /** Room for jobs of each type. Default: no limit. */
  readonly rooms?: Readonly<Record<string, number>>
  /** Default: the session that the ticker was made with. */
  readonly session?: Session
}

/** A sign of life of a worker that holds these jobs. */
export async function beatOf(
  database: Parameters<typeof beat>[0],
  worker: string,
  sign: Partial<Beat> = {},
): Promise<BeatAnswer> {
  return await beat(database, {
    worker,
    listens: false,
    held: [],
    closed: [],
    doubtful: [],
    ...sign,
  })
}

/** A worker played by hand, one tick at a time: what it asks the database, a worker asks. */
export interface Ticker {
  /** Its number in jobtable.worker. */
  readonly id: string
  /** A tick with every part of it open to the test. */
  tick(request: Partial<queries.TickRequest>, session?: Session): Promise<queries.TickAnswer>
  /**
   * Claims jobs and answers them in the order in which they were handed out. Like a worker it looks
   * again while there is more: a tick ends after a few milliseconds, and not every entry is a job.
   */
  claim(wish?: Wish): Promise<readonly Handed[]>
  /** Begins jobs that were handed out as queued, and answers the ids of those that began and that wait. */
  begin(
    jobs: readonly Handed[],
    session?: Session,
  ): Promise<{ readonly begun: readonly string[]; readonly waiting: readonly string[] }>
  /** Writes outcomes. */
  finish(outcomes: readonly queries.Outcome[], session?: Session): Promise<queries.TickAnswer>
  /** The lanes of its types. */
  ranges(rooms?: Readonly<Record<string, number>>): queries.LaneRange[]
}

const LANES_OF_A_TYPE = 65_536

const UNLIMITED = 2_000_000

/** A fencing token, as a worker draws it. */
export function drawLease(): string {
  return (randomBytes(8).readBigUInt64BE() >> 1n).toString()
}

/** Starts a worker to be played by hand; its types become known if they are not. */
export async function startTicker(
  database: Database | Session,
  ...types: readonly string[]
): Promise<Ticker> {
  const connectionOf = (queryable: Database | Session): Connection =>
    'pool' in queryable ? queryable.pool : queryable.client
  const own = connectionOf(database)
  const connection = (session: Session | undefined): Connection =>
    session === undefined ? own : connectionOf(session)
  const ids = new Map<string, number>()
  for (const name of types) {
    await database.query(
      'insert into jobtable.job_type (name) values ($1) on conflict do nothing',
      [name],
    )
    const [row] = await database.query<{ id: number }>(
      'select id from jobtable.job_type where name = $1',
      [name],
    )
    ids.set(name, row?.id ?? 0)
  }
  const id = await startWorker(own, {
    host: 'by-hand',
    pid: process.pid,
    version: '0',
    types,
    limits: [],
    capacity: 1_000,
    heartbeatMs: 2_000,
    leaseMs: 6_000,
  })
  const ranges: Ticker['ranges'] = (rooms = {}) =>
    Array.from(ids, ([name, typeId]) => ({
      fromLane: typeId * LANES_OF_A_TYPE,
      toLane: (typeId + 1) * LANES_OF_A_TYPE,
      room: rooms[name] ?? UNLIMITED,
    }))
  const tick: Ticker['tick'] = async (request, session) =>
    await queries.tick(connection(session), {
      worker: id,
      lease: drawLease(),
      outcomes: [],
      begin: [],
      ranges: [],
      slots: 0,
      prefetch: 0,
      promises: false,
      stays: false,
      awaits: false,
      woken: false,
      ...request,
    })
  return {
    id,
    tick,
    ranges,
    claim: async ({ slots = 1_000, prefetch = 0, rooms = {}, session } = {}) => {
      const jobs: Handed[] = []
      const left = { slots, prefetch, rooms: { ...rooms } }
      for (;;) {
        const { slots, prefetch } = left
        const answer = await tick({ ranges: ranges(left.rooms), slots, prefetch }, session)
        for (const job of answer.claimed) {
          jobs.push(job)
          left[job.status === 'started' ? 'slots' : 'prefetch'] -= 1
          const room = left.rooms[job.type]
          if (room !== undefined) left.rooms[job.type] = room - 1
        }
        if (left.slots + left.prefetch <= 0 || !answer.more || answer.looked === 0) {
          return await queries.withPayloads(connection(session), jobs)
        }
      }
    },
    begin: async (jobs, session) => {
      const { begun, waiting } = await tick({ begin: jobs }, session)
      return { begun: begun.map(({ id }) => id), waiting }
    },
    finish: async (outcomes, session) => await tick({ outcomes }, session),
  }
}

/** An outcome of a job that was handed out. */
export function outcome(
  job: Handed,
  kind: queries.Outcome['outcome'],
  more: Partial<queries.Outcome> = {},
): queries.Outcome {
  return { id: job.id, lease: job.lease, outcome: kind, ...more }
}

/** The only one of a list; fails if there is none, or another. */
export function only<T>(list: readonly T[]): T {
  const [first, ...others] = list
  if (first === undefined || others.length > 0) {
    throw new Error(`one was expected, not ${list.length}: ${JSON.stringify(list)}`)
  }
  return first
}

/**
 * Inserts a job and brings it into a status as the queue does. Nothing else of its type may be
 * waiting.
 */
export async function insertJobIn(
  database: Database,
  ticker: Ticker,
  status: Status,
  type: string,
  columns: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const id = await insertJob(database, type, columns)
  await bring(database, ticker, status, id)
  return id
}

/** Brings a new job, which nothing keeps from being claimed, into a later status. */
export async function bring(
  database: Queryable,
  ticker: Ticker,
  status: Status,
  id: string,
): Promise<void> {
  if (status !== 'new') {
    const jobs = await ticker.claim(
      status === 'queued' ? { slots: 0, prefetch: 1 } : { slots: 1, prefetch: 0 },
    )
    const job = only(jobs)
    if (status === 'failed') {
      const error = { name: 'Error', message: 'it broke' }
      await ticker.finish([outcome(job, 'failed', { detail: 'it broke', error })])
    } else if (status === 'completed' || status === 'cancelled') {
      await ticker.finish([outcome(job, status)])
    }
  }
  const found = await statusOf(database, id)
  if (found !== status) throw new Error(`job ${id} is ${found}, not ${status}`)
}
