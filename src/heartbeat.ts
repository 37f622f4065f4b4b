import type { Database, Id } from './database.ts'
import type { Dispatcher } from './dispatcher.ts'
import { CancelledError, JobtableError } from './errors.ts'
import type { Events } from './events.ts'
import { beat } from './queries/worker.ts'
import { Service } from './service.ts'

/** A worker shows that it lives this often, in milliseconds: one small write a process. */
export const HEARTBEAT_MS = 5_000

export interface HeartbeatOptions {
  readonly database: Database
  readonly worker: Id
  readonly dispatcher: Dispatcher
  readonly events: Events
  readonly intervalMs: number
}

/** Keeps the worker's row fresh, and brings back the cancels whose notification was lost. */
export class Heartbeat extends Service {
  readonly #options: HeartbeatOptions

  constructor(options: HeartbeatOptions) {
    super()
    this.#options = options
  }

  protected override async run(): Promise<void> {
    while (!this.stopping.aborted) {
      await this.alarm.wait(this.#options.intervalMs)
      if (this.stopping.aborted) return
      await this.#beat()
    }
  }

  async #beat(): Promise<void> {
    const { database, worker, dispatcher, events } = this.#options
    try {
      const closed = dispatcher.closedLeases()
      const { alive, cancels } = await beat(database, worker, dispatcher.held, closed)
      dispatcher.forget(closed)
      if (!alive) {
        events.emit(
          'trouble',
          new JobtableError(
            'worker_row_gone',
            `the row of worker ${worker} was deleted: others take it for dead; start it again`,
          ),
        )
      }
      for (const id of cancels) dispatcher.abort(id, cancelled(id))
    } catch (error) {
      events.emit('trouble', error)
    }
  }
}

/** Why a job's signal fires when a client has asked it to stop. */
export function cancelled(id: Id): CancelledError {
  return new CancelledError('cancelled', `job ${id} was asked to stop`)
}
