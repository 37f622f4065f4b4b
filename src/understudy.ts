import { extname } from 'node:path'
import { Worker as Thread } from 'node:worker_threads'
import type { Id } from './database.ts'
import { Service } from './service.ts'

/** The places of what both threads know, in nanoseconds by process.hrtime, which they share. */
export const BEATEN_AT = 0
export const TURNED_AT = 1
export const OVERDUE_AT = 2

/** No job is overdue before this. */
const NEVER = 2n ** 62n
const NS_PER_MS = 1_000_000

/** What the thread is told at its start. */
export interface UnderstudyData {
  readonly shared: SharedArrayBuffer
  readonly worker: Id
  readonly connectionString: string | undefined
  readonly intervalMs: number
}

export interface UnderstudyOptions extends Omit<UnderstudyData, 'shared'> {
  /** When the first of the running jobs will be overdue, by performance.now(). */
  readonly overdueAt: () => number
}

/**
 * A thread that gives the signs of life while an executor keeps the worker's own thread busy for too
 * long: a computation of a minute is no death. It does nothing else, and connects only then. When a
 * job with a timeout is overdue and the worker has still no turn, it falls silent: others rescue the
 * jobs.
 */
export class Understudy extends Service {
  readonly #options: UnderstudyOptions
  readonly #shared = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT)
  readonly #times = new BigInt64Array(this.#shared)

  constructor(options: UnderstudyOptions) {
    super()
    this.#options = options
    Atomics.store(this.#times, OVERDUE_AT, NEVER)
  }

  protected override async run(): Promise<void> {
    const { overdueAt, worker, connectionString, intervalMs } = this.#options
    const data: UnderstudyData = { shared: this.#shared, worker, connectionString, intervalMs }
    const file = new URL(`./understudy-thread${extname(import.meta.url)}`, import.meta.url)
    this.beaten()
    const thread = new Thread(file, { workerData: data, stdout: false, stderr: false })
    // Without it long computations look like death; everything else goes on.
    thread.on('error', () => undefined)
    thread.unref()
    while (!this.stopping.aborted) {
      Atomics.store(this.#times, TURNED_AT, process.hrtime.bigint())
      Atomics.store(this.#times, OVERDUE_AT, inSharedTime(overdueAt()))
      await this.alarm.wait(intervalMs / 4)
    }
    await thread.terminate()
  }

  /** The worker has given a sign of life by itself. */
  beaten(): void {
    Atomics.store(this.#times, BEATEN_AT, process.hrtime.bigint())
  }

  /** A job begins that will be overdue then, by performance.now(); it may take this thread's turn. */
  expect(overdueAt: number): void {
    const at = inSharedTime(overdueAt)
    if (at < Atomics.load(this.#times, OVERDUE_AT)) Atomics.store(this.#times, OVERDUE_AT, at)
  }
}

function inSharedTime(at: number): bigint {
  if (at === Infinity) return NEVER
  return process.hrtime.bigint() + BigInt(Math.round((at - performance.now()) * NS_PER_MS))
}
