import type { Settings, Target } from '../systems/system.ts'

/**
 * What each job does: nothing, sleep as its payload says, tell when it began and was completed, or run
 * until it is asked to stop and tell when that was.
 */
export type Body = 'nothing' | 'sleep' | 'latency' | 'cancel'

/** What a worker's process is to do. */
export interface Task {
  readonly system: string
  /** What the process needs in its environment. */
  readonly env: Readonly<Record<string, string>> | undefined
  readonly target: Target
  readonly settings: Settings
  readonly types: readonly string[]
  readonly body: Body
  /** The process tells at once when it has completed so many; of fewer it tells every few ms. */
  readonly jobs: number
}

/** What a worker's process is told. */
export type WorkerOrder =
  | { readonly order: 'prepare'; readonly task: Task }
  | { readonly order: 'start' | 'usage' | 'latencies' | 'signals' }

/** What a process has used. */
export interface Usage {
  /** Since its beginning, in user and system mode. */
  readonly cpuUs: number
  readonly rssBytes: number
  readonly rssPeakBytes: number
}

/** From the intended time of sending to the executor's first line, and to the completion's answer. */
export interface Latencies {
  readonly startUs: readonly number[]
  readonly doneUs: readonly number[]
}

/** When the signals of jobs that were asked to stop have fired, in µs of the machine's clock, by id. */
export type Signals = Readonly<Record<string, number>>

/** What a worker's process answers. */
export type WorkerAnswer =
  | { readonly answer: 'prepared' | 'started' }
  | { readonly answer: 'tally'; readonly jobs: number; readonly atUs: number }
  | { readonly answer: 'usage'; readonly usage: Usage }
  | { readonly answer: 'latencies'; readonly latencies: Latencies }
  | { readonly answer: 'signals'; readonly signals: Signals }

/** What a sender's process is told. */
export type SenderOrder =
  | {
      readonly order: 'prepare'
      readonly system: string
      readonly target: Target
      readonly connections: number
    }
  /** One job, now. */
  | { readonly order: 'one' }
  /** Jobs at random times, whether the ones before have been accepted or not. */
  | { readonly order: 'poisson'; readonly plan: PoissonPlan }
  /** As many as go, each connection one after the other. */
  | { readonly order: 'flood'; readonly seconds: number }

export interface PoissonPlan {
  readonly perSecond: number
  readonly seconds: number
  readonly isMeasured: boolean
}

/** What a sender's process answers. */
export type SenderAnswer =
  | { readonly answer: 'prepared' }
  | {
      readonly answer: 'sent'
      readonly jobs: number
      /** From the intended time to the call, of each job. */
      readonly lateUs: readonly number[]
    }
