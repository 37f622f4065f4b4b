import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from './database.ts'
import type { Events } from './events.ts'
import { foldTally } from './queries/maintenance.ts'
import { Service } from './service.ts'

/** While jobs run, the list of counts is looked at this often, in milliseconds. */
const BUSY_MS = 1_000
/** While none do, this often: clients' statements lengthen it, too. */
const IDLE_MS = 60_000
/** A fold that takes long, behind a snapshot that keeps dead rows, is made for a fiftieth of the time. */
const SHARE = 50

export interface TallyOptions {
  readonly database: Database
  readonly events: Events
}

/** Keeps the list short from which jobtable.job_counts is added up. */
export class Tally extends Service {
  readonly #options: TallyOptions

  constructor(options: TallyOptions) {
    super()
    this.#options = options
  }

  protected override async run(): Promise<void> {
    const { events } = this.#options
    const wake = (): void => this.alarm.ring()
    events.on('claimed', wake)
    while (!this.stopping.aborted) {
      await this.alarm.wait(IDLE_MS)
      if (this.stopping.aborted) break
      const tookMs = await this.#fold()
      await sleep(Math.max(BUSY_MS, tookMs * SHARE), undefined, { signal: this.stopping }).catch(
        () => undefined,
      )
    }
    events.off('claimed', wake)
  }

  /** Answers how long it took, in milliseconds. A failure is told; the next time tries again. */
  async #fold(): Promise<number> {
    const { database, events } = this.#options
    const begun = performance.now()
    try {
      await foldTally(database)
    } catch (error) {
      events.emit('trouble', error)
    }
    return performance.now() - begun
  }
}
