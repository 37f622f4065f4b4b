import type { Scenario } from '../lib/scenario.ts'
import { backlog } from './backlog.ts'
import { cancel } from './cancel.ts'
import { counts } from './counts.ts'
import { drain } from './drain.ts'
import { enqueue } from './enqueue.ts'
import { future } from './future.ts'
import { guarded } from './guarded.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { longJobs } from './long-jobs.ts'
import { manyTypes } from './many-types.ts'
import { owners } from './owners.ts'
import { payload } from './payload.ts'
import { pinned } from './pinned.ts'
import { readers } from './readers.ts'
import { soak } from './soak.ts'
import { sustained } from './sustained.ts'

/** All scenarios, in the order in which they are worth running. */
export const SCENARIOS: readonly Scenario[] = [
  drain,
  enqueue,
  guarded,
  owners,
  sustained,
  latency,
  cancel,
  backlog,
  future,
  pinned,
  readers,
  payload,
  manyTypes,
  longJobs,
  idle,
  soak,
  counts,
]
