import type { Random } from '../random.ts'
import type { Site } from '../site.ts'

/** A strike that has been aimed: at whom, and how. */
export interface Aim {
  /** For people: `direct`, `600 s ahead`. */
  readonly target: string
  /** The worker processes that it strikes. */
  readonly pids: readonly number[]
  /** Whether it strikes those as well that start while it lasts. */
  readonly everyone: boolean
  /** Strikes, keeps it up, and returns when all is healed. */
  strike(): Promise<void>
}

/** One way in which things go wrong. */
export interface Fault {
  readonly name: string
  /** Chooses a target; undefined if there is none at the moment. */
  aim(site: Site, random: Random): Aim | undefined
}

/** Longer than any worker may be silent before its jobs are taken away. */
export const PAST_LEASE_MS = 12_000
