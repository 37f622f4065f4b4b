import type { Database } from './database.ts'
import type { Events } from './events.ts'
import { purge, purgeEvents } from './queries/maintenance.ts'
import { Service } from './service.ts'

/** Finished jobs are looked through for those to remove this often, in milliseconds. */
export const PURGE_INTERVAL_MS = 60_000
/** Jobs removed in one transaction: some 15 ms of work, so that nothing waits for it. */
const PURGE_BATCH = 1_000

export interface MaintenanceOptions {
  readonly database: Database
  readonly events: Events
  readonly intervalMs: number
}

/** Removes finished jobs and events whose retention is over. Every worker does it; they share the work. */
export class Maintenance extends Service {
  readonly #options: MaintenanceOptions

  constructor(options: MaintenanceOptions) {
    super()
    this.#options = options
  }

  protected override async run(): Promise<void> {
    while (!this.stopping.aborted) {
      // With jitter, so that workers started together do not meet at the lists.
      await this.alarm.wait(this.#options.intervalMs * (0.5 + Math.random()))
      while (!this.stopping.aborted && (await this.#purge()) >= PURGE_BATCH);
    }
  }

  /** One batch of either. A failure is told and answered with 0: the next interval tries again. */
  async #purge(): Promise<number> {
    const { database, events } = this.#options
    try {
      const count = await purge(database, PURGE_BATCH)
      if (count > 0) events.emit('purged', count)
      return Math.max(count, await purgeEvents(database, PURGE_BATCH))
    } catch (error) {
      events.emit('trouble', error)
      return 0
    }
  }
}
