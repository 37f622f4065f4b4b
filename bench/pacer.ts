// A thread that tells its parent when to send: Poisson arrivals on time to a tenth of a millisecond,
// which the timers of an event loop are not.
import { parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { nowUs } from './lib/clock.ts'
import type { PoissonPlan } from './lib/messages.ts'

const { perSecond, seconds } = z.custom<PoissonPlan>().parse(workerData)
const never = new Int32Array(new SharedArrayBuffer(4))
const beginUs = nowUs()
const endUs = beginUs + seconds * 1e6

let dueUs = beginUs
for (;;) {
  dueUs += (-Math.log(1 - Math.random()) / perSecond) * 1e6
  if (dueUs > endUs) break
  const waitMs = (dueUs - nowUs()) / 1_000
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
  parentPort?.postMessage(dueUs)
}
