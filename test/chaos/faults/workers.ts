import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { Site } from '../site.ts'
import type { WorkerProcess } from '../worker-process.ts'
import { type Aim, type Fault, PAST_LEASE_MS } from './fault.ts'

/** A fault of one worker process, chosen at random. */
function ofOneWorker(name: string, strike: (worker: WorkerProcess) => Promise<void>): Fault {
  return {
    name,
    aim: ({ workers }: Site, random: Random): Aim | undefined => {
      const [first, ...rest] = workers
      if (first === undefined) return undefined
      const worker = random.pick([first, ...rest])
      if (worker.pid === undefined) return undefined
      return {
        target: worker.name,
        pids: [worker.pid],
        everyone: false,
        strike: async () => await strike(worker),
      }
    },
  }
}

/** kill -9. */
export const kill: Fault = ofOneWorker('kill -9', async (worker) => {
  worker.kill()
})

/** SIGSTOP for twice the lease, then SIGCONT: it goes on as if nothing had been. */
export const freeze: Fault = ofOneWorker('freeze', async (worker) => {
  const { pid } = worker
  worker.freeze()
  await delay(PAST_LEASE_MS)
  // The process after it was never frozen.
  if (worker.pid === pid) worker.thaw()
})

/** SIGTERM: a deployment. */
export const stop: Fault = ofOneWorker('SIGTERM', async (worker) => {
  await worker.stop()
})
