import { ProcessError } from '../errors.ts'
import { type Logger, withFields } from '../log.ts'
import { wasCompleted } from '../queries/running.ts'
import type { RunningJob } from '../running-job.ts'
import { residentMb } from './group.ts'
import type { End, Report } from './messages.ts'
import { type Exit, Spawned } from './spawned.ts'
import { fromWire, toWire } from './wire-error.ts'

/** Lines on standard error that are kept for the error of a process that died. */
const LAST_LINES = 20
/** How often to look how much memory a process has, in milliseconds. */
const MEMORY_WATCH_MS = 100
/** What V8 says when it ends a process whose heap is full. */
const HEAP_FULL = /heap out of memory/

export interface JobProcessOptions {
  /** The executor's. */
  readonly file: string
  /** The executor's. */
  readonly memoryMb: number | undefined
  /** Where it finds the database; undefined: the driver reads the PG* variables itself. */
  readonly connectionString: string | undefined
}

/**
 * One attempt in a process of its own. What that tells goes on to the job, and the job's abort to it;
 * when the job's `killed` fires, it is killed at once, with all that it has started.
 */
export class JobProcess {
  readonly #job: RunningJob
  readonly #options: JobProcessOptions
  readonly #lastLines: string[] = []
  #end: End | undefined
  /** Whether a transaction has begun: it may have completed the job although the process died. */
  #inTransaction = false
  /** As last measured. */
  #residentMb = 0

  constructor(job: RunningJob, options: JobProcessOptions) {
    this.#job = job
    this.#options = options
  }

  /** Settles as the executor does. Rejects with a ProcessError if its process did not let it. */
  async run(): Promise<unknown> {
    const spawned = await this.#start()
    const { signal, killed } = this.#job
    const abort = (): void => spawned.send({ kind: 'abort', reason: toWire(signal.reason) })
    const kill = (): void => spawned.kill()
    const { memoryMb } = this.#options
    const memory =
      memoryMb === undefined
        ? undefined
        : setInterval(() => this.#checkMemory(spawned, memoryMb), MEMORY_WATCH_MS)
    signal.addEventListener('abort', abort)
    killed.addEventListener('abort', kill)
    try {
      if (signal.aborted) abort()
      if (killed.aborted) kill()
      return await this.#conclude(await spawned.ended)
    } finally {
      clearInterval(memory)
      signal.removeEventListener('abort', abort)
      killed.removeEventListener('abort', kill)
    }
  }

  async #start(): Promise<Spawned> {
    const { file, memoryMb, connectionString } = this.#options
    const { job, handed } = this.#job
    try {
      const spawned: Spawned = await Spawned.start({
        heapMb: memoryMb,
        onReport: (report) => this.#hear(spawned, report),
        onLine: (stream, line) => this.#print(stream, line),
      })
      const { lease, payload } = handed
      spawned.send({
        kind: 'start',
        file,
        job,
        lease,
        payload,
        connectionString,
        worker: process.pid,
      })
      return spawned
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw this.#fault('process_start', `could not be started: ${reason}`, cause)
    }
  }

  #hear(spawned: Spawned, report: Report): void {
    // It is being killed.
    if (this.#job.isOver) return
    switch (report.kind) {
      case 'told':
        if (report.progress !== undefined) this.#job.progress(report.progress)
        for (const line of report.lines) {
          const log = line.stored ? this.#log : this.#job.log
          log[line.level](line.message, line.fields)
        }
        return
      case 'facet':
        return answer(spawned, report.n, this.#job.facet(report.name, report.fields))
      case 'transaction':
        this.#inTransaction = true
        return answer(spawned, report.n, this.#job.tools.facets.flush(this.#job.handed))
      case 'returned':
      case 'threw':
        this.#end ??= report
    }
  }

  /** What the executor, or what it has started, prints is the worker's to log: its own stdout is data. */
  #print(stream: 'stdout' | 'stderr', line: string): void {
    if (stream === 'stderr') {
      this.#lastLines.push(line)
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift()
    }
    this.#log.info(line, { stream })
  }

  /** The worker's own log, which names the job. */
  get #log(): Logger {
    const { tools, handed } = this.#job
    return withFields(tools.log, { job: handed.id, type: handed.type })
  }

  #checkMemory(spawned: Spawned, memoryMb: number): void {
    this.#residentMb = residentMb(spawned.pid) ?? this.#residentMb
    if (this.#residentMb > memoryMb) spawned.kill()
  }

  async #conclude(exit: Exit): Promise<unknown> {
    const end = this.#end
    const completed = end?.completed ?? (await this.#wasCompleted())
    if (completed) this.#job.completed()
    if (end === undefined && !completed) throw this.#death(exit)
    if (end?.kind === 'threw') throw fromWire(end.error)
    return end?.result
  }

  /** Whether it had completed the job before it died. If that cannot be told now, the lease decides. */
  async #wasCompleted(): Promise<boolean> {
    const { tools, handed } = this.#job
    return this.#inTransaction && (await wasCompleted(tools.pool, handed).catch(() => false))
  }

  /** Why a process has ended before its executor did. */
  #death({ code, signal }: Exit): ProcessError {
    const { memoryMb = Infinity } = this.#options
    const { killed } = this.#job
    const measured = `${this.#residentMb} MB, of at most ${memoryMb} MB`
    if (this.#residentMb > memoryMb) {
      return this.#fault('process_memory', `was killed: it used too much memory, ${measured}`)
    }
    if (this.#lastLines.some((line) => HEAP_FULL.test(line))) {
      return this.#fault('process_memory', `ran out of memory: it had ${measured}`)
    }
    if (killed.aborted) {
      const fact = 'was killed: its executor did not stop when its signal fired'
      return this.#fault('process_killed', fact, killed.reason)
    }
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
    return this.#fault('process_exit', `${how} before its executor had ended`)
  }

  #fault(code: string, fact: string, cause?: unknown): ProcessError {
    const said = this.#lastLines.map((line) => `\n  ${line}`).join('')
    return new ProcessError(
      code,
      `the process of job ${this.#job.handed.id} ${fact}${said === '' ? '' : `; it said last:${said}`}`,
      cause === undefined ? {} : { cause },
    )
  }
}

/** Answers a question when what it asked for is done. */
function answer(spawned: Spawned, n: number, done: Promise<void>): void {
  done.then(
    () => spawned.send({ kind: 'answer', n }),
    (error: unknown) => spawned.send({ kind: 'answer', n, error: toWire(error) }),
  )
}
