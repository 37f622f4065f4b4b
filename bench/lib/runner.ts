import { Child } from './child.ts'
import { nowUs } from './clock.ts'
import type { Latencies, Signals, Task, Usage, WorkerAnswer, WorkerOrder } from './messages.ts'

/** No system here lets this pass between two completions while jobs wait. */
const STALL_MS = 60_000

/** How many jobs have been completed, and when the last of them was. */
export interface Tally {
  readonly jobs: number
  readonly atUs: number
}

/** Workers' processes of one run: made ready first, started when the clock starts. */
export class Runners implements AsyncDisposable {
  readonly #children: readonly Child<WorkerOrder, WorkerAnswer>[]
  readonly #tallies = new Map<object, Tally>()
  #told: () => void = () => undefined

  /** Resolves when all processes have loaded their code. */
  static async prepare(task: Task, processes: number): Promise<Runners> {
    const runners = new Runners(task, processes)
    await Promise.all(
      runners.#children.map((child) => child.ask({ order: 'prepare', task }, 'prepared')),
    )
    return runners
  }

  private constructor(task: Task, processes: number) {
    this.#children = Array.from({ length: processes }, () => new Child('worker.ts', task.env))
    for (const child of this.#children) {
      child.on('tally', (tally) => {
        this.#tallies.set(child, tally)
        this.#told()
      })
    }
  }

  /** Starts the workers, and answers when that was asked. They are at work before all have said so. */
  start(): { readonly atUs: number; readonly started: Promise<unknown> } {
    const atUs = nowUs()
    const started = Promise.all(
      this.#children.map((child) => child.ask({ order: 'start' }, 'started')),
    )
    started.catch(() => undefined)
    return { atUs, started }
  }

  /** How much has been completed so far, to within a few milliseconds. */
  get tally(): Tally {
    let jobs = 0
    let atUs = 0
    for (const tally of this.#tallies.values()) {
      jobs += tally.jobs
      atUs = Math.max(atUs, tally.atUs)
    }
    return { jobs, atUs }
  }

  /** Resolves when as many jobs have been completed. Rejects if none is for a while. */
  async completed(jobs: number): Promise<Tally> {
    while (this.tally.jobs < jobs) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      this.#told = resolve
      const stalled = (): void => {
        reject(new Error(`no completion for ${STALL_MS} ms after ${this.tally.jobs} of ${jobs}`))
      }
      const timer = setTimeout(stalled, STALL_MS)
      try {
        await Promise.race([promise, ...this.#children.map((child) => child.failed)])
      } finally {
        clearTimeout(timer)
      }
    }
    return this.tally
  }

  async usage(): Promise<readonly Usage[]> {
    const asked = this.#children.map((child) => child.ask({ order: 'usage' }, 'usage'))
    return (await Promise.all(asked)).map(({ usage }) => usage)
  }

  /** Of all jobs so far that have carried the time of their sending. */
  async latencies(): Promise<Latencies> {
    const asked = this.#children.map((child) => child.ask({ order: 'latencies' }, 'latencies'))
    const answers = await Promise.all(asked)
    return {
      startUs: answers.flatMap(({ latencies }) => latencies.startUs),
      doneUs: answers.flatMap(({ latencies }) => latencies.doneUs),
    }
  }

  /** Of all jobs so far that were asked to stop. */
  async signals(): Promise<Signals> {
    const asked = this.#children.map((child) => child.ask({ order: 'signals' }, 'signals'))
    const answers = await Promise.all(asked)
    return Object.assign({}, ...answers.map(({ signals }) => signals))
  }

  /** Ends the processes, and with them their sessions. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
