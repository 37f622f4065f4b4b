import { setTimeout as delay } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import type { Aim, Fault } from './faults/fault.ts'
import { halfOpen, restartPooler } from './faults/network.ts'
import { exhaust, moveClock, restartFast, restartImmediate, terminate } from './faults/server.ts'
import { freeze, kill, stop } from './faults/workers.ts'
import type { Holding } from './observer.ts'
import { createRandom, type Random } from './random.ts'
import { pidsOf, type Site } from './site.ts'

export const FAULTS: readonly Fault[] = [
  kill,
  freeze,
  stop,
  restartFast,
  restartImmediate,
  terminate,
  exhaust,
  halfOpen,
  restartPooler,
  moveClock,
]

/** Each fault strikes once a round, at its own time in it: they overlap. */
const ROUND_MS = 38_000
/** The last part of a round is left for what takes long to heal. */
const STRIKING_MS = 24_000
/** How long a strike waits for somebody to hold a job. */
const AIM_MS = 10_000
const AIM_AGAIN_MS = 50
/**
 * For so long after a strike has healed a worker's lease may still be found expired because of it:
 * the lease, a heartbeat, and a slow machine.
 */
const AFTERMATH_MS = 20_000

/** Ahead of the furthest that the clock is moved, and of any backoff. */
const END_OFFSET_SECONDS = 7_200
/** Steps are dated to less than this. */
const CALM_MARGIN_MS = 1_000

/** One strike of a fault. */
export interface Strike {
  readonly fault: string
  readonly target: string
  readonly pids: readonly number[]
  readonly everyone: boolean
  readonly holding: Holding
  /** When, in milliseconds of performance.now(). */
  readonly at: number
  healedAt: number
}

/** Strikes a site with every fault, again and again. */
export class Storm {
  readonly strikes: Strike[] = []
  readonly #site: Site
  readonly #seed: number
  readonly #onStrike: (strike: Strike) => void
  #calmedAt = Number.POSITIVE_INFINITY

  constructor(site: Site, seed: number, onStrike: (strike: Strike) => void) {
    this.#site = site
    this.#seed = seed
    this.#onStrike = onStrike
  }

  /** Returns when the time is over, or at the signal, and all is healed. */
  async rage(ms: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + ms
    // One fault that cannot be healed ends the others.
    const broken = new AbortController()
    const stopping = AbortSignal.any([signal, broken.signal])
    await Promise.all(
      FAULTS.map(async (fault) => {
        try {
          await this.#repeat(fault, until, stopping)
        } catch (error) {
          broken.abort()
          throw error
        }
      }),
    )
  }

  async #repeat(fault: Fault, until: number, signal: AbortSignal): Promise<void> {
    const random = createRandom(this.#seed, fault.name)
    for (let round = performance.now(); round < until; round += ROUND_MS) {
      const at = round + random.next() * STRIKING_MS
      if (at > until || !(await sleep(at - performance.now(), signal))) return
      await this.#strike(fault, random)
      const next = Math.min(round + ROUND_MS, until)
      if (!(await sleep(next - performance.now(), signal))) return
    }
  }

  /**
   * Sets the clock ahead of every time that a job was given while it was moved, so that nothing waits
   * for it. That ends all leases.
   */
  async calm(): Promise<void> {
    this.#calmedAt = performance.now()
    await this.#site.postgres.moveClock(END_OFFSET_SECONDS)
  }

  /** Writes the strikes down beside the steps, for the invariants. */
  async save(client: Pick<ClientBase, 'query'>): Promise<void> {
    const { observer } = this.#site
    await client.query(
      `insert into chaos.strike (id, fault, from_seq, to_seq)
       select -1, 'calm', $1, last_value from chaos.seq`,
      [observer.seqAt(this.#calmedAt - CALM_MARGIN_MS)],
    )
    for (const [id, strike] of this.strikes.entries()) {
      const { fault, holding, healedAt } = strike
      const pids = strike.everyone ? null : strike.pids
      await client.query(
        `with strike as (
           insert into chaos.strike (id, fault, pids, from_seq, to_seq) values ($1, $2, $3, $4, $5)
           returning id
         )
         insert into chaos.held (strike, job)
         select s.id, unnest($6::bigint[]) from strike s`,
        [id, fault, pids, holding.seq, observer.seqAt(healedAt + AFTERMATH_MS), holding.jobs],
      )
    }
  }

  async #strike(fault: Fault, random: Random): Promise<void> {
    const aimed = await this.#aim(fault, random)
    if (aimed === undefined) return
    const { aim, holding } = aimed
    const { target, pids, everyone } = aim
    const strike: Strike = {
      fault: fault.name,
      target,
      pids,
      everyone,
      holding,
      at: performance.now(),
      healedAt: Number.POSITIVE_INFINITY,
    }
    this.strikes.push(strike)
    this.#onStrike(strike)
    await aim.strike()
    strike.healedAt = performance.now()
  }

  /** Waits until what it aims at holds jobs, for a while; strikes then at whatever there is. */
  async #aim(fault: Fault, random: Random): Promise<{ aim: Aim; holding: Holding } | undefined> {
    const until = performance.now() + AIM_MS
    for (;;) {
      const aim = fault.aim(this.#site, random)
      const holding = aim && (await this.#site.observer.held(aim.pids))
      const isLast = performance.now() > until
      // While it looked, another fault may have ended the process.
      const isThere = aim?.pids.every((pid) => pidsOf(this.#site.workers).includes(pid)) ?? false
      if (aim && isThere && holding && (holding.jobs.length > 0 || isLast)) return { aim, holding }
      if (isLast) return undefined
      await delay(AIM_AGAIN_MS)
    }
  }
}

/** Answers whether the time went by without the signal. */
async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  return await delay(Math.max(0, ms), true, { signal }).catch(() => false)
}
