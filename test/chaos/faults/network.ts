import { setTimeout as delay } from 'node:timers/promises'
import { pidsOf } from '../site.ts'
import { type Fault, PAST_LEASE_MS } from './fault.ts'

const LONGEST_POOLER_OUTAGE_MS = 3_000

/** The line to a worker goes dead without a word, and comes back after its lease. */
export const halfOpen: Fault = {
  name: 'half-open',
  aim: ({ proxy, proxied }) => {
    const pids = pidsOf(proxied)
    if (pids.length === 0) return undefined
    return {
      target: 'proxied',
      pids,
      everyone: false,
      strike: async () => {
        proxy.cut()
        await delay(PAST_LEASE_MS)
        proxy.heal()
      },
    }
  },
}

/** PgBouncer is restarted, and away for a while. */
export const restartPooler: Fault = {
  name: 'pgbouncer',
  aim: ({ pooled, restartPooler }, random) => {
    const pids = pidsOf(pooled)
    if (pids.length === 0) return undefined
    const downMs = random.integer(0, LONGEST_POOLER_OUTAGE_MS)
    return {
      target: `away for ${downMs} ms`,
      pids,
      everyone: false,
      strike: async () => await restartPooler(downMs),
    }
  },
}
