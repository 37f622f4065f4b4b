// A thread beside an attempt: ends its process and all that it has started when the worker is gone.
import { workerData } from 'node:worker_threads'
import { endOrphan } from './group.ts'

/** How often to look whether the worker is still the parent, in milliseconds. */
const WATCH_MS = 250

/** The process of the worker. */
const worker = Number(workerData)

setInterval(() => endOrphan(worker), WATCH_MS)
