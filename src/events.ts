import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { Id } from './database.ts'
import type { HandedJob, Outcome } from './queries/tick.ts'

/** What a worker tells as it happens. Handlers run in the worker's own turn: keep them short. */
export interface WorkerEvents {
  /** The worker has its row and is looking for jobs. */
  readonly started: [worker: Id]
  /** Jobs were handed to this worker; started ones begin next. */
  readonly claimed: [jobs: readonly HandedJob[]]
  /** An executor's first line is next. */
  readonly begun: [job: HandedJob]
  /**
   * An attempt has ended, and its outcome is next. What its job has told is in the database, unless that
   * failed, or a client's lock held it back for too long while the worker stopped.
   */
  readonly ended: [job: HandedJob, outcome: Outcome]
  /** Outcomes are in the database. */
  readonly finished: [outcomes: readonly Outcome[]]
  /** An outcome was refused: the job is no longer this worker's. */
  readonly lost: [outcome: Outcome]
  /** Jobs that this worker held were taken for lost by another, since it was silent for too long. */
  readonly dropped: [jobs: readonly HandedJob[]]
  /** Jobs of another worker, which was lost or stopped too early, run again or have failed. */
  readonly rescued: [worker: Id, jobs: number]
  /** Nothing is running, the last claim found nothing, and the next job wakes the worker. */
  readonly idle: []
  /** The wake-up works, or (with the reason) does not, and polling takes over. */
  readonly listening: [reason: string | undefined]
  /** Defaults of a type's payloads were others in each of the last three schemas declared. */
  readonly unsettled: [type: string, defaults: readonly string[]]
  /** A wake-up arrived. */
  readonly woken: []
  /** Jobs were removed because their retention is over. */
  readonly purged: [count: number]
  /** The database cannot be reached or refuses; the worker tries again by itself. */
  readonly trouble: [error: unknown]
  /** The database answers again. */
  readonly recovered: []
  /** The worker is stopping: it claims nothing any more. */
  readonly stopping: []
  readonly stopped: []
}

type EventMap = { -readonly [E in keyof WorkerEvents]: WorkerEvents[E] }

/** A typed emitter of the worker's events. A handler that throws is told of, and harms nobody else. */
export class Events extends EventEmitter<EventMap> {
  // Not among the published types: those of node:events differ from version to version.
  /** @internal */
  override emit<E extends keyof EventMap>(event: E, ...args: EventMap[E]): boolean {
    if (this.listenerCount(event) === 0) return false
    for (const handler of this.rawListeners(event)) {
      try {
        Reflect.apply(handler, this, args)
      } catch (error) {
        process.emitWarning(
          `a handler of the event "${event}" threw ${inspect(error)}`,
          'JobtableWarning',
        )
      }
    }
    return true
  }
}
