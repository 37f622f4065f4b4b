import type { Database, Id } from './database.ts'
import type { Events } from './events.ts'
import { type BeatAnswer, rescue, type SilentWorker } from './queries/worker.ts'

/** Jobs rescued in one transaction: some 20 ms of work. */
const RESCUE_BATCH = 500
/** A worker counts as silent when it is late by a quarter of its interval: see beat. */
const LATE = 1.25

export interface RescuerOptions {
  readonly database: Database
  readonly events: Events
}

/** Since when a worker is silent, and whether it has been for long enough. */
interface Watched {
  readonly seenAt: string
  readonly since: number
}

/**
 * Takes jobs from workers that are dead. Every worker does it, and none leads. That another is silent
 * is measured here, by this process's monotonic clock and from when it was first seen: the clock of
 * the database may be set, and after an outage nobody has been able to give a sign of life.
 */
export class Rescuer {
  readonly #options: RescuerOptions
  #watched = new Map<Id, Watched>()
  /** Since when this worker's own signs of life arrive, by performance.now(). */
  #steadySince = performance.now()

  constructor(options: RescuerOptions) {
    this.#options = options
  }

  /** This worker's own sign of life did not arrive: what it has seen before counts no more. */
  interrupt(): void {
    this.#watched.clear()
    this.#steadySince = Infinity
  }

  /**
   * Rescues what is to be rescued after an answer. Answers when to look again at those that are
   * silent, in milliseconds; Infinity if there are none. Gives up after `patienceMs`, for the caller
   * to give its own next sign of life.
   */
  async look(
    { silent, orphans }: Pick<BeatAnswer, 'silent' | 'orphans'>,
    patienceMs: number,
  ): Promise<number> {
    const now = performance.now()
    this.#steadySince = Math.min(this.#steadySince, now)
    const before = this.#watched
    this.#watched = new Map()
    let next = Infinity
    const dead: [Id, string | null][] = orphans.map((id) => [id, null])
    for (const worker of silent) {
      const { id, seen_at: seenAt } = worker
      const known = before.get(id)
      const watched = known?.seenAt === seenAt ? known : { seenAt, since: now }
      const left = watched.since + this.#restMs(worker, now) - now
      if (left <= 0) dead.push([id, seenAt])
      else next = Math.min(next, left)
      this.#watched.set(id, watched)
    }
    const until = now + patienceMs
    for (const [id, seenAt] of dead) {
      await this.#rescue(id, seenAt, until)
      // The next sign of life brings the others again.
      if (performance.now() > until) break
    }
    return next
  }

  /**
   * How long a silent worker must have been seen to be so, in milliseconds: until its lease is over, or
   * half of its interval if the session in which it listened has ended as well.
   */
  #restMs(worker: SilentWorker, now: number): number {
    const { heartbeat_ms: heartbeatMs, lease_ms: leaseMs } = worker
    // Just after an outage all sessions have ended.
    const isSteady = now - this.#steadySince >= leaseMs
    return worker.hung_up && isSteady ? heartbeatMs / 2 : leaseMs - heartbeatMs * LATE
  }

  async #rescue(id: Id, seenAt: string | null, until: number): Promise<void> {
    const { database, events } = this.#options
    let seen = seenAt
    for (;;) {
      const { rescued, more } = await rescue(database, id, seen, RESCUE_BATCH)
      if (rescued > 0) events.emit('rescued', id, rescued)
      // What is left belongs to a worker that is known as lost, and comes back as an orphan.
      if (!more || performance.now() > until) return
      seen = null
    }
  }
}
