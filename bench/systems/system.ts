import type { Batch } from '../lib/batch.ts'

/** Where a queue is, and whose source tree runs it. */
export interface Target {
  /** Of the run's own database, or of Redis. */
  readonly url: string
  /** The jobtable source tree; the others are packages. */
  readonly checkout: string
}

/** The options that a worker is given, as its own documentation names them. */
export type Settings = Readonly<Record<string, unknown>>

/** One way to set a system up. */
export interface Variant {
  readonly name: string
  readonly settings: Settings
  /** Where the settings come from: a document of the project, or a file of its package. */
  readonly source: string
  /** About how many jobs it runs in 20 seconds, where that is less than the scenarios have. */
  readonly atMost?: number
}

/** What a job carries beside its type. */
export type Payload = Readonly<Record<string, unknown>>

/** The body of a job; `signal` fires when it is asked to stop, where a system has such a thing. */
export type Begin = (id: string, payload: Payload, signal?: AbortSignal) => void | Promise<void>

/** What a worker's process does with the jobs, and whom it tells. */
export interface Work {
  readonly types: readonly string[]
  /** The body of each job; undefined: nothing at all. */
  readonly begin: Begin | undefined
  /** To be called when so many completions are in the database. */
  readonly completed: (count: number, ids: () => readonly string[]) => void
}

export interface Counts {
  /** Jobs that have not been completed. */
  readonly left: number
  /** Undefined where completed jobs leave no trace. */
  readonly completed: number | undefined
}

/** Sends one job at a time, each in its own transaction. */
export interface Sender {
  send(payload: Payload): Promise<void>
  close(): Promise<void>
}

/** A queue, as the scenarios see it. */
export interface System {
  readonly name: string
  readonly server: 'postgres' | 'redis'
  readonly variants: readonly Variant[]
  /** The fastest settings, but for so many jobs at once. Undefined: it has no such notion. */
  readonly concurrent?: (jobs: number) => Settings
  /** Its main table, in PostgreSQL. */
  readonly table?: string
  /** Sets how long finished jobs are kept, where they are; workers must be running. */
  readonly keepFinished?: (target: Target, interval: string) => Promise<void>
  /** The statement that inserts one small job of type noop. */
  readonly insertSql?: string
  /** What its worker's process needs in its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** A query as people ask to see what is going on: it reads the whole main table. */
  readonly surveySql?: string
  /** Makes an empty queue that knows the types. */
  install(target: Target, types: readonly string[]): Promise<void>
  /** Enqueues by the fastest documented way. */
  enqueue(target: Target, batch: Batch): Promise<void>
  count(target: Target): Promise<Counts>
  sender?(target: Target, connections: number): Promise<Sender>
  /** Loads the code that start needs, which is no part of a run. */
  load?(target: Target): Promise<unknown>
  /** Starts a worker in this process. Answers how to stop it. */
  start?(target: Target, settings: Settings, work: Work): Promise<() => Promise<void>>
}

/** A payload as a system hands it out: any value to its types, an object to us. */
export function payloadOf(value: unknown): Payload {
  const isPayload = (candidate: unknown): candidate is Payload =>
    typeof candidate === 'object' && candidate !== null
  return isPayload(value) ? value : {}
}
