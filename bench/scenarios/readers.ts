import pg from 'pg'
import { type Meanwhile, measureDrain } from '../lib/drain.ts'
import type { Queue } from '../lib/queue.ts'
import type { Scenario } from '../lib/scenario.ts'

const READERS = 4

export const readers: Scenario = {
  name: 'readers',
  purpose: `a drain while ${READERS} sessions count all jobs by status over and over`,
  rounds: 3,
  contenders: ['floor', 'jobtable:default', 'graphile-worker:fastest', 'pg-boss:fastest'],
  cells: (bench) => {
    const batch = { count: bench.options.quick ? 50_000 : 1_000_000 }
    return [0, READERS].map((sessions) => ({
      name: `${sessions} readers`,
      measure: async (contender) => ({
        figures: await measureDrain(bench, contender, {
          batch,
          ...(sessions === 0 ? {} : { meanwhile: (queue) => read(queue, sessions) }),
        }),
      }),
    }))
  },
}

async function read({ system, target }: Queue, sessions: number): Promise<Meanwhile> {
  const pool = new pg.Pool({ connectionString: target.url, max: sessions })
  const text = system.surveySql ?? ''
  let scans = 0
  const stopping = new AbortController()
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pool.query(text)
      scans += 1
    }
  }
  const running = Promise.all(Array.from({ length: sessions }, run))
  return {
    figures: (seconds) => ({ scansPerSecond: scans / seconds }),
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await running
      if (!pool.ending) await pool.end()
    },
  }
}
