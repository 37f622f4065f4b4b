import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const EXECUTORS = fileURLToPath(new URL('executors', import.meta.url))

/** As a supervisor would: at once, but not in a loop while the database is away. */
const RESTART_MS = 500
/** What runs when a worker is asked to stop may run on for this long. */
const GRACE_MS = 1_500
/** A worker that was asked to stop is gone by then, or something is wrong with it. */
const STOP_TIMEOUT_MS = 40_000

export interface WorkerProcessOptions {
  /** For logs and reports: `direct`. */
  readonly name: string
  /** Arguments of `jobtable worker` that say where the database is. */
  readonly connection: readonly string[]
  readonly concurrency: number
  /** Jobs to take ahead of that. */
  readonly prefetch: number
  /** Where the executors write their trace; never struck but with the server. */
  readonly traceUrl: string
  readonly logDir: string
  /** Told of every process that ends without having been told to, once it was at work. */
  readonly onDeath: (fault: string) => void
}

/** A place where a worker process runs, and is started again whenever it has ended. */
export class WorkerProcess implements AsyncDisposable {
  readonly name: string
  /** Processes that were started again. */
  restarts = 0
  readonly #options: WorkerProcessOptions
  readonly #log: WriteStream
  readonly #supervision: Promise<void>
  #child: ChildProcess | undefined
  #started = Promise.withResolvers<void>()
  /** Whether the end of the present process was asked for. */
  #doomed = false
  #closing = false

  constructor(options: WorkerProcessOptions) {
    this.name = options.name
    this.#options = options
    this.#log = createWriteStream(join(options.logDir, `${options.name}.log`))
    this.#supervision = this.#supervise()
  }

  /** The process at work; undefined between two. */
  get pid(): number | undefined {
    const child = this.#child
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined
  }

  /** Resolves when the present process, or the next one, is at work. */
  async started(): Promise<void> {
    await this.#started.promise
  }

  kill(): void {
    this.#doomed = true
    this.#child?.kill('SIGKILL')
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Asks it to stop and waits until it has. Answers whether it had to be killed for that. */
  async stop(): Promise<boolean> {
    const child = this.#child
    if (child === undefined || this.pid === undefined) return false
    this.#doomed = true
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const inTime = await Promise.race([
      ended.then(() => true),
      delay(STOP_TIMEOUT_MS, false, { ref: false }),
    ])
    if (!inTime) child.kill('SIGKILL')
    await ended
    return !inTime
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    this.kill()
    await this.#supervision
    await new Promise((closed) => this.#log.end(closed))
  }

  async #supervise(): Promise<void> {
    while (!this.#closing) {
      this.#doomed = false
      const child = this.#spawn()
      this.#child = child
      let atWork = false
      let lastLine = ''
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#log.write(text)
        lastLine = text.trimEnd().split('\n').at(-1) ?? lastLine
        if (!text.includes('"worker started"')) return
        atWork = true
        this.#started.resolve()
      })
      await once(child, 'close')
      this.#started = Promise.withResolvers()
      this.#log.write(`-- process ${child.pid} ended: ${child.exitCode ?? child.signalCode}\n`)
      if (atWork && !this.#doomed) {
        this.#options.onDeath(
          `${this.name} (process ${child.pid}) ended by itself, ` +
            `${child.exitCode ?? child.signalCode}: ${lastLine}`,
        )
      }
      if (this.#closing) return
      this.restarts += 1
      await delay(RESTART_MS)
    }
  }

  #spawn(): ChildProcess {
    const { connection, concurrency, prefetch, traceUrl } = this.#options
    const { PATH = '', HOME = '' } = process.env
    const args = ['worker', '--executors', EXECUTORS, ...connection]
    args.push('--concurrency', String(concurrency), '--prefetch', String(prefetch))
    args.push('--grace', String(GRACE_MS), '--json')
    // However this process ends, its workers do not outlive it.
    const tied = ['--pdeathsig', 'KILL', '--', process.execPath, MAIN]
    return spawn('setpriv', [...tied, ...args], {
      env: { PATH, HOME, CHAOS_TRACE_URL: traceUrl },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  }
}
